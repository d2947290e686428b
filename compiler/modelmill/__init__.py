"""modelmill: a GitOps compiler for LLM inference serving on Kubernetes."""
