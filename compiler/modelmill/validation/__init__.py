"""What a cluster, kustomize or an engine would make of manifests, told before they get there.

In: objects, those this repository compiles to or anyone's files, kustomizations and renders. Out:
findings, each at the line that caused it. Nothing here changes a file, and nothing but a schema
location that the user names is ever fetched.
"""
