"""How generated/ gets into the branches that controllers read.

In: a clone and what is to be published. Out: commits on branches of its remote, or of another
repository, made of a commit's inputs and of nothing in the working tree.

    sources      the commit that is compiled, and what it compiles to
    targets      which branches hold what of it
    difference   a branch as it is against what is wanted there
    messages     what commits say: subject, trailers, hydrator.metadata
    commits      one commit on top of a branch
    rounds       look, compile, commit, push; again where another was faster
    conflicts    a merge whose conflicts are in generated/
"""
