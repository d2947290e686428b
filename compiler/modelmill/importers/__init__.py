"""Readers of what other tools declare models with, one a tool.

In: files of another tool. Out: documents of this one. Never: a file of generated/.
"""
