package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fluxcd/pkg/sourceignore"
)

// artifact copies what source-controller would put into the artifact of the one source given: regular
// files which no pattern excludes, each judged by itself, with VCS files always excluded and the
// default patterns where no others are given (reconcileArtifact and storage.SourceIgnoreFilter).
func artifact(objects Objects, clone, folder string) ([]string, error) {
	var ignore *string
	switch {
	case len(objects.GitRepositories) == 1 && len(objects.OCIRepositories) == 0:
		ignore = objects.GitRepositories[0].Spec.Ignore
	case len(objects.OCIRepositories) == 1 && len(objects.GitRepositories) == 0:
		ignore = objects.OCIRepositories[0].Spec.Ignore
	default:
		return nil, fmt.Errorf("one source is expected")
	}
	domain := strings.Split(clone, string(filepath.Separator))
	patterns, err := sourceignore.LoadIgnorePatterns(clone, domain)
	if err != nil {
		return nil, err
	}
	if ignore != nil {
		patterns = append(patterns, sourceignore.ReadPatterns(strings.NewReader(*ignore), domain)...)
	}
	matcher := sourceignore.NewDefaultMatcher(patterns, domain)
	if len(patterns) > 0 {
		matcher = sourceignore.NewMatcher(append(sourceignore.VCSPatterns(domain), patterns...))
	}
	kept := []string{}
	err = filepath.WalkDir(clone, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		if matcher.Match(strings.Split(path, string(filepath.Separator)), false) {
			return nil
		}
		name, err := filepath.Rel(clone, path)
		if err != nil {
			return err
		}
		kept = append(kept, name)
		return copied(path, filepath.Join(folder, name))
	})
	return kept, err
}

func copied(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, text, 0o644)
}
