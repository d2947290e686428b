#!/bin/sh
# What `make test-cluster` needs, of versions that are pinned here and in go.mod, as modules of the Go
# module proxy have it: kube-apiserver, etcd, and CustomResourceDefinitions that are nowhere at hand.
# In: the folder to write, which is what KUBEBUILDER_ASSETS names.
set -eu
assets=$1
here=$(cd "$(dirname "$0")" && pwd)

elsewhere() {
  cat >&2 <<END
make cluster-tools: $1
Have them elsewhere, and set KUBEBUILDER_ASSETS to their folder:
  setup-envtest use -p path   of sigs.k8s.io/controller-runtime/tools/setup-envtest downloads them
  https://github.com/kubernetes-sigs/controller-tools/releases   has the same archives
END
  exit 1
}

module() { # The folder of MODULE@VERSION. Outside of a module, so that no go.sum is written.
  (cd / && go mod download -json "$1") | sed -n 's/^[[:space:]]*"Dir": "\(.*\)",$/\1/p'
}

definitions() { # MODULE@VERSION FILE…
  folder=$(module "$1")
  test -n "$folder" || elsewhere "the Go module proxy has no $1"
  shift
  for file; do
    cat "$folder/$file" >"$assets/crds/$(basename "$file")"
  done
}

command -v go >/dev/null || elsewhere "needs Go 1.26, and the Go module proxy"
cd "$here"
mkdir -p "$assets/crds"
kubernetes=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
minor=${kubernetes#v1.}
stamp=k8s.io/component-base/version
# Without cgo neither needs a C compiler, or anything of the machine it runs on.
export CGO_ENABLED=0
go build -ldflags "-s -w" -o "$assets/etcd" go.etcd.io/etcd/server/v3 ||
  elsewhere "etcd could not be built"
go build -o "$assets/kube-apiserver" -ldflags "-s -w -X $stamp.gitVersion=$kubernetes \
  -X $stamp.gitMajor=1 -X $stamp.gitMinor=${minor%%.*}" k8s.io/kubernetes/cmd/kube-apiserver ||
  elsewhere "kube-apiserver could not be built"

definitions github.com/cert-manager/cert-manager@v1.21.2 deploy/crds/cert-manager.io_certificates.yaml
definitions istio.io/api@v1.31.1 kubernetes/customresourcedefinitions.gen.yaml
definitions github.com/envoyproxy/gateway@v1.9.1 \
  charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_clienttrafficpolicies.yaml
