"""The commands, one module each; `command` is its click command."""
