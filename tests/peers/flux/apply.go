package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// built makes what each Kustomization applies, with the steps of kustomize-controller: write or find the
// kustomization of its path, build it within the artifact, substitute variables if it says so.
func built(objects Objects, folder string) (map[string][]map[string]any, error) {
	found := map[string][]map[string]any{}
	for _, each := range objects.Kustomizations {
		some, err := applied(each, folder)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", each.Name, err)
		}
		found[each.Name] = some
	}
	return found, nil
}

func applied(each kustomizev1.Kustomization, folder string) ([]map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&each)
	if err != nil {
		return nil, err
	}
	given := unstructured.Unstructured{Object: content}
	place := filepath.Join(folder, each.Spec.Path)
	action, err := kustomize.NewGenerator(folder, given).WriteFile(
		place, kustomize.WithSaveOriginalKustomization())
	if err != nil {
		return nil, err
	}
	defer kustomize.CleanDirectory(place, action)
	resources, err := kustomize.SecureBuild(folder, place, false)
	if err != nil {
		return nil, err
	}
	found := []map[string]any{}
	for _, resource := range resources.Resources() {
		if each.Spec.PostBuild != nil {
			_, err := kustomize.SubstituteVariables(
				context.Background(), nil, given, resource, kustomize.SubstituteWithStrict(true))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", resource.CurId(), err)
			}
		}
		object, err := resource.Map()
		if err != nil {
			return nil, err
		}
		found = append(found, object)
	}
	return found, nil
}

// About is the health of one object, as kstatus names it.
type About struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Health  string `json:"health"`
	Message string `json:"message,omitempty"`
}

// health judges by the expressions of the one Kustomization, else as kstatus does. An expression that
// fails leaves an object Unknown, which is waited for.
func health(objects Objects) ([]About, error) {
	if len(objects.Kustomizations) != 1 {
		return nil, fmt.Errorf("one Kustomization is expected, not %d", len(objects.Kustomizations))
	}
	checks := objects.Kustomizations[0].Spec.HealthCheckExprs
	if _, err := cel.NewStatusReader(checks); err != nil {
		return nil, err
	}
	evaluators := map[schema.GroupKind]*cel.StatusEvaluator{}
	for _, check := range checks {
		evaluator, err := cel.NewStatusEvaluator(&check.HealthCheckExpressions)
		if err != nil {
			return nil, err
		}
		evaluators[schema.FromAPIVersionAndKind(check.APIVersion, check.Kind).GroupKind()] = evaluator
	}
	found := []About{}
	for _, each := range objects.Others {
		about := About{Kind: each.GetKind(), Name: each.GetName(), Health: status.UnknownStatus.String()}
		result, err := status.Compute(each)
		if evaluator := evaluators[each.GroupVersionKind().GroupKind()]; evaluator != nil {
			result, err = evaluator.Evaluate(context.Background(), each)
		}
		if err != nil {
			about.Message = err.Error()
		} else {
			about.Health, about.Message = result.Status.String(), result.Message
		}
		found = append(found, about)
	}
	return found, nil
}
