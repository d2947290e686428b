"""The typed input: what Project, Model, Preset and Overlay files may say."""
