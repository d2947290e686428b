package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	log "github.com/sirupsen/logrus"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/argoproj/argo-cd/v3/applicationset/controllers/template"
	"github.com/argoproj/argo-cd/v3/applicationset/generators"
	"github.com/argoproj/argo-cd/v3/applicationset/utils"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/app/path"
	"github.com/argoproj/argo-cd/v3/util/argo"
	"github.com/argoproj/argo-cd/v3/util/git"
)

// applications are those of the ApplicationSets, made as the ApplicationSet controller makes them.
func applications(objects Objects, remote string, newGlobbing bool) ([]v1alpha1.Application, error) {
	clone, err := os.MkdirTemp("", "argo-cd-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(clone)
	cluster := projects{all: objects.Projects}
	repository := checkout{remote: remote, folder: clone, newGlobbing: newGlobbing}
	made := []v1alpha1.Application{}
	for _, set := range objects.Sets {
		if err := utils.CheckInvalidGenerators(&set); err != nil {
			return nil, err
		}
		known := map[string]generators.Generator{
			"Git": generators.NewGitGenerator(repository, set.Namespace),
		}
		some, _, err := template.GenerateApplications(
			log.NewEntry(log.StandardLogger()), set, known, &utils.Render{}, cluster)
		if err != nil {
			return nil, err
		}
		made = append(made, some...)
	}
	for i := range made {
		made[i].Spec = *argo.NormalizeApplicationSpec(&made[i].Spec)
	}
	return made, nil
}

// refreshed are the Applications that a push which changes the files makes Argo CD look at again.
func refreshed(objects Objects, files []string) []string {
	names := []string{}
	for _, application := range objects.Applications {
		paths := path.GetSourceRefreshPaths(&application, application.Spec.GetSource())
		if path.AppFilesHaveChanged(paths, files) {
			names = append(names, application.Name)
		}
	}
	return names
}

// refused says of each Application what its AppProject forbids: its source, its destination, or one of
// the objects of a file, as its own.
func refused(objects Objects, file string) ([]string, error) {
	deployed, err := readFile(file)
	if err != nil {
		return nil, err
	}
	cluster := projects{all: objects.Projects}
	found := []string{}
	for _, application := range objects.Applications {
		project, err := cluster.named(application.Spec.Project)
		if err != nil {
			return nil, err
		}
		if err := project.ValidateProject(); err != nil {
			return nil, err
		}
		if !project.IsSourcePermitted(application.Spec.GetSource()) {
			found = append(found, application.Name+": source")
		}
		to := application.Spec.Destination
		destination := &v1alpha1.Cluster{Name: to.Name, Server: to.Server}
		permitted, err := project.IsDestinationPermitted(destination, to.Namespace, nil)
		if err != nil {
			return nil, err
		}
		if !permitted {
			found = append(found, application.Name+": destination")
		}
		for _, each := range deployed {
			permitted, err := project.IsResourcePermitted(
				each.GroupVersionKind().GroupKind(), each.GetName(), each.GetNamespace(), destination, nil)
			if err != nil {
				return nil, err
			}
			if !permitted {
				found = append(found, fmt.Sprintf("%s: %s %s", application.Name, each.GetKind(), each.GetName()))
			}
		}
	}
	return found, nil
}

// checkout is a clone as the repo server serves it to the ApplicationSet controller. It is of one
// remote, whatever address the objects have for it.
type checkout struct {
	remote      string
	folder      string
	newGlobbing bool
}

func (c checkout) GetFiles(_ context.Context, _, revision, _, pattern string, _ bool, _ *v1alpha1.SourceIntegrity) (map[string][]byte, error) {
	repository, err := c.at(revision)
	if err != nil {
		return nil, err
	}
	names, err := repository.LsFiles(pattern, c.newGlobbing)
	if err != nil {
		return nil, err
	}
	found := map[string][]byte{}
	for _, name := range names {
		if found[name], err = os.ReadFile(filepath.Join(c.folder, name)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (c checkout) GetDirectories(_ context.Context, _, _, _ string, _ bool, _ *v1alpha1.SourceIntegrity) ([]string, error) {
	return nil, fmt.Errorf("no generator of directories is expected")
}

// at brings the clone to a revision with the steps of the repo server, from the remote it has.
func (c checkout) at(revision string) (git.Client, error) {
	repository, err := git.NewClientExt(c.remote, c.folder, git.NopCreds{}, false, false, "", "")
	if err != nil {
		return nil, err
	}
	if err := repository.Init(); err != nil {
		return nil, err
	}
	commit, err := repository.LsRemote(revision)
	if err != nil {
		return nil, err
	}
	if err := repository.Fetch(commit, 0); err != nil {
		return nil, err
	}
	_, err = repository.Checkout(commit, false, true)
	return repository, err
}

// projects stands for the cluster of which the generator asks an ApplicationSet's AppProject.
type projects struct {
	client.Client
	all []v1alpha1.AppProject
}

func (p projects) Get(_ context.Context, key client.ObjectKey, into client.Object, _ ...client.GetOption) error {
	project, err := p.named(key.Name)
	if err == nil {
		project.DeepCopyInto(into.(*v1alpha1.AppProject))
	}
	return err
}

func (p projects) named(name string) (*v1alpha1.AppProject, error) {
	for i := range p.all {
		if p.all[i].Name == name {
			return &p.all[i], nil
		}
	}
	return nil, fmt.Errorf("no AppProject %q", name)
}
