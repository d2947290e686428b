"""Edits of input files that people wrote.

In: a file's text, and values by path. Out: the same text with these values in it, and not one other
character changed. Never: a file read whole into objects and printed anew, or written before the
repository with it was compiled.
"""
