"""Coverage-guided fuzzing: what each reader of hostile input must hold, whatever the bytes.

In: bytes. Out: nothing, or an exception, which is a find. A target is a function of bytes alone, so
that what was found once is a case of `make test` without the fuzzer (tests/test_fuzz_targets.py).
"""
