// Command argo-cd asks Argo CD's own code what it makes of objects and of the repository they name.
//
//	argo-cd decoded                  every object of argoproj.io, as Argo CD's types have it
//	argo-cd applications REMOTE      what the ApplicationSets make of a Git repository; NEW_GLOBBING=1 as
//	                                 with applicationsetcontroller.enable.new.git.file.globbing
//	argo-cd refused OBJECTS          what the AppProjects do not let the Applications deploy, the objects of
//	                                 the file OBJECTS among it
//	argo-cd refreshed FILE...        names of the Applications that a change of the files refreshes
//	argo-cd waves                    the sync wave of each object
//	argo-cd health                   the health of each object, under the argocd-cm among them
//	argo-cd drifted LIVE             objects that are out of sync with those of the file LIVE, under the
//	                                 Application among them
//
// In: objects as YAML on standard input. Out: JSON on standard output; status 1 with what Argo CD said.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	log "github.com/sirupsen/logrus"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"sigs.k8s.io/yaml"
)

// Objects are those of the standard input, by what the questions need of them.
type Objects struct {
	Projects     []v1alpha1.AppProject
	Sets         []v1alpha1.ApplicationSet
	Applications []v1alpha1.Application
	Others       []*unstructured.Unstructured
	All          []*unstructured.Unstructured `json:"-"`
}

func main() {
	log.SetOutput(io.Discard)
	answer, err := answered(os.Args[1], os.Args[2:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(answer)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func answered(question string, arguments []string) (any, error) {
	objects, err := read(os.Stdin)
	if err != nil {
		return nil, err
	}
	switch question {
	case "decoded":
		return objects, nil
	case "applications":
		return applications(objects, arguments[0], os.Getenv("NEW_GLOBBING") != "")
	case "refused":
		return refused(objects, arguments[0])
	case "refreshed":
		return refreshed(objects, arguments), nil
	case "waves":
		return waves(objects), nil
	case "health":
		return healths(objects)
	case "drifted":
		return drifted(objects, arguments[0])
	}
	return nil, fmt.Errorf("no such question: %s", question)
}

// read refuses a field that Argo CD's types do not have.
func read(stream io.Reader) (Objects, error) {
	var found Objects
	text, err := io.ReadAll(stream)
	if err != nil {
		return found, err
	}
	documents, err := kube.SplitYAML(text)
	if err != nil {
		return found, err
	}
	found.All = documents
	for _, document := range documents {
		kind := document.GetKind()
		if document.GroupVersionKind().Group != "argoproj.io" {
			kind = ""
		}
		switch kind {
		case "AppProject":
			found.Projects, err = appended(found.Projects, document)
		case "ApplicationSet":
			found.Sets, err = appended(found.Sets, document)
		case "Application":
			found.Applications, err = appended(found.Applications, document)
		default:
			found.Others = append(found.Others, document)
		}
		if err != nil {
			return found, fmt.Errorf("%s %s: %w", document.GetKind(), document.GetName(), err)
		}
	}
	return found, nil
}

func appended[T any](all []T, document *unstructured.Unstructured) ([]T, error) {
	var one T
	text, err := json.Marshal(document)
	if err != nil {
		return all, err
	}
	if err := yaml.UnmarshalStrict(text, &one); err != nil {
		return all, err
	}
	return append(all, one), nil
}

func readFile(name string) ([]*unstructured.Unstructured, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return kube.SplitYAML(text)
}
