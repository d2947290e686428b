"""KServe's LLMInferenceService: what it means, and what its controller makes of it.

In: files. Out: the composed specification of each service, its children, findings with places.
Knows KServe (kserve/kserve v0.20); never a Model.
"""

from __future__ import annotations

from modelmill.importers.llmisvc.judging import Judged, judged
from modelmill.importers.llmisvc.reading import Document, File, Input, read

__all__ = ["Document", "File", "Input", "Judged", "judged", "read"]
