"""What a template can call: Go's own functions, Sprig's and Helm's.

In: nothing. Out: tables by name, and the names that are refused. Sprig is v3.3.0
(https://github.com/Masterminds/sprig/blob/v3.3.0/functions.go).
"""

from __future__ import annotations

from collections.abc import Mapping

from modelmill.importers.gotemplate.functions import (
    cases,
    comparison,
    defaults,
    dicts,
    encoding,
    lists,
    numbers,
    paths,
    regex,
    strings,
    versions,
    yaml_values,
)
from modelmill.importers.gotemplate.signatures import Function

SPRIG: Mapping[str, Function] = {
    **comparison.FUNCTIONS,
    **cases.FUNCTIONS,
    **defaults.FUNCTIONS,
    **dicts.FUNCTIONS,
    **encoding.FUNCTIONS,
    **lists.FUNCTIONS,
    **numbers.FUNCTIONS,
    **paths.FUNCTIONS,
    **regex.FUNCTIONS,
    **strings.FUNCTIONS,
    **versions.FUNCTIONS,
}
"""Go's own and the hermetic ones of Sprig, whose `slice` is not Go's."""

HELM: Mapping[str, Function] = {**defaults.HELM, **yaml_values.HELM}
"""What Helm adds (https://helm.sh/docs/chart_template_guide/function_list/), without `include` and
`tpl`, which need the table of named templates."""

_CLOCK = """
    ago date dateInZone dateModify date_in_zone date_modify duration durationRound htmlDate
    htmlDateInZone mustDateModify mustToDate must_date_modify now toDate unixEpoch
"""
_CHANCE = "randAlpha randAlphaNum randAscii randBytes randInt randNumeric shuffle uuidv4"
_KEYS = """
    bcrypt buildCustomCert decryptAES derivePassword encryptAES genCA genCAWithKey genPrivateKey
    genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey htpasswd
"""
_AROUND = "env expandenv getHostByName lookup"

NOT_HERMETIC = frozenset(f"{_CLOCK} {_CHANCE} {_KEYS} {_AROUND}".split())
"""Functions of the clock, of chance, of keys, and of what is around: environment, network, cluster.
Dates are among them as they hang on the machine's time zone."""
