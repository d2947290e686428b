// Command flux asks Flux's own code what it makes of objects and of the repository they name.
//
//	flux decoded                every object of Flux, as its types have it
//	flux artifact CLONE FOLDER  keeps of a clone in FOLDER what the source on standard input leaves of it
//	flux built FOLDER           what each Kustomization applies of an artifact, by the Kustomization's name
//	flux health                 the health of each object, as the Kustomization among them judges it
//
// In: objects as YAML on standard input. Out: JSON on standard output; status 1 with what Flux said.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// Objects are those of the standard input, by what the questions need of them.
type Objects struct {
	Kustomizations  []kustomizev1.Kustomization
	GitRepositories []sourcev1.GitRepository
	OCIRepositories []sourcev1.OCIRepository
	Others          []*unstructured.Unstructured
}

func main() {
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
	case "artifact":
		return artifact(objects, arguments[0], arguments[1])
	case "built":
		return built(objects, arguments[0])
	case "health":
		return health(objects)
	}
	return nil, fmt.Errorf("no such question: %s", question)
}

// read refuses a field that Flux's types do not have.
func read(stream io.Reader) (Objects, error) {
	var found Objects
	documents := utilyaml.NewYAMLReader(bufio.NewReader(stream))
	for {
		text, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, err
		}
		// Through JSON, or whole numbers would not be integers.
		read, err := yaml.YAMLToJSON(text)
		if err != nil {
			return found, err
		}
		document := &unstructured.Unstructured{}
		if err := document.UnmarshalJSON(read); err != nil {
			return found, err
		}
		switch document.GroupVersionKind().GroupKind().String() {
		case "Kustomization.kustomize.toolkit.fluxcd.io":
			found.Kustomizations, err = appended(found.Kustomizations, text)
		case "GitRepository.source.toolkit.fluxcd.io":
			found.GitRepositories, err = appended(found.GitRepositories, text)
		case "OCIRepository.source.toolkit.fluxcd.io":
			found.OCIRepositories, err = appended(found.OCIRepositories, text)
		default:
			found.Others = append(found.Others, document)
		}
		if err != nil {
			return found, fmt.Errorf("%s %s: %w", document.GetKind(), document.GetName(), err)
		}
	}
}

func appended[T any](all []T, text []byte) ([]T, error) {
	var one T
	if err := yaml.UnmarshalStrict(text, &one); err != nil {
		return all, err
	}
	return append(all, one), nil
}
