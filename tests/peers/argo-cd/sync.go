package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/argoproj/argo-cd/gitops-engine/pkg/health"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/sync/syncwaves"
	"github.com/argoproj/argo-cd/gitops-engine/pkg/utils/kube"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/argo/diff"
	"github.com/argoproj/argo-cd/v3/util/argo/normalizers"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
)

// About is an answer about one object.
type About struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Wave    int    `json:"wave,omitempty"`
	Health  string `json:"health,omitempty"`
	Message string `json:"message,omitempty"`
}

func waves(objects Objects) []About {
	found := []About{}
	for _, each := range objects.All {
		found = append(found, About{Kind: each.GetKind(), Name: each.GetName(), Wave: syncwaves.Wave(each)})
	}
	return found
}

// healths judges each object as the application controller does; no health at all is "".
func healths(objects Objects) ([]About, error) {
	overrides, err := customizations(objects)
	if err != nil {
		return nil, err
	}
	found := []About{}
	for _, each := range objects.All {
		status, err := health.GetResourceHealth(each, lua.ResourceHealthOverrides(overrides))
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", each.GetKind(), each.GetName(), err)
		}
		about := About{Kind: each.GetKind(), Name: each.GetName()}
		if status != nil {
			about.Health, about.Message = string(status.Status), status.Message
		}
		found = append(found, about)
	}
	return found, nil
}

// customizations are what Argo CD's settings read of the argocd-cm on standard input.
func customizations(objects Objects) (map[string]v1alpha1.ResourceOverride, error) {
	settled := corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Name: "argocd-cm", Labels: map[string]string{"app.kubernetes.io/part-of": "argocd"}}}
	for _, each := range objects.Others {
		if each.GetKind() == "ConfigMap" && each.GetName() == settled.Name {
			given := corev1.ConfigMap{}
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(each.Object, &given); err != nil {
				return nil, err
			}
			settled.Data = given.Data
		}
	}
	settled.Namespace = "argocd"
	cluster := fake.NewClientset(&settled)
	return settings.NewSettingsManager(context.Background(), cluster, settled.Namespace).GetResourceOverrides()
}

// drifted are the objects that differ from their live state by more than the Application ignores.
func drifted(objects Objects, file string) ([]string, error) {
	if len(objects.Applications) != 1 {
		return nil, fmt.Errorf("one Application is expected, not %d", len(objects.Applications))
	}
	live, err := readFile(file)
	if err != nil {
		return nil, err
	}
	overrides, err := customizations(objects)
	if err != nil {
		return nil, err
	}
	config, err := diff.NewDiffConfigBuilder().
		WithDiffSettings(objects.Applications[0].Spec.IgnoreDifferences, overrides, false, normalizers.IgnoreNormalizerOpts{}).
		WithTracking("", string(v1alpha1.TrackingMethodAnnotation)).
		WithNoCache().
		Build()
	if err != nil {
		return nil, err
	}
	found := []string{}
	for _, each := range objects.Others {
		result, err := diff.StateDiff(same(live, each), each, config)
		if err != nil {
			return nil, err
		}
		if result.Modified {
			found = append(found, each.GetKind()+" "+each.GetName())
		}
	}
	return found, nil
}

func same(all []*unstructured.Unstructured, wanted *unstructured.Unstructured) *unstructured.Unstructured {
	for _, each := range all {
		if kube.GetResourceKey(each) == kube.GetResourceKey(wanted) {
			return each
		}
	}
	return nil
}
