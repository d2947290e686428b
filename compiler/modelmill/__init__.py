"""modelmill: a GitOps compiler for LLM inference serving on Kubernetes."""

__version__ = "0.1.0"
