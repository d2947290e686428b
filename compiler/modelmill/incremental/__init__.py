"""generated/ from the files on the disk, compiling only what changed.

In: a repository's root. Out: what `compile_repository`, `survey` and `write` would do, to the byte
and to the finding, at the price of what changed since the last time: a model is compiled again when
anything it depends on reads otherwise, and only then.

What is known from earlier stands in a folder of the user's (`quick.folder_of`), never in the
repository. It can be deleted, copied, kept by CI or shared by branches at any time, as an entry is
believed only under a key of the contents it was made from. Dates of files serve to not read them
again, and only once they cannot be those of a later change (`stamps`).
"""
