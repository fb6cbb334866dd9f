"""A published script as create_study wants it: the answer of TradingView's Pine service, read."""

from __future__ import annotations

import re
from dataclasses import field
from typing import Any, Final

from grok_sauce.errors import BadPayload, SourceRefused
from grok_sauce.values import dataclass

_OWN: Final = frozenset({"text", "pineId", "pineVersion"})
_ENDPOINT: Final = re.compile(r"tv-scripting-([0-9]{1,6})")
_USUAL: Final = "101"  # where the answer names no endpoint


@dataclass(frozen=True, slots=True)
class StudyCode:
    """What create_study is given: the endpoint's name and the inputs, the script's text inside.

    script is "PUB;..." and version as asked for.
    """

    script: str
    version: str
    endpoint: str
    inputs: dict[str, Any] = field(repr=False)


def read_study(answer: Any, script: str, version: str) -> StudyCode:
    """Read the answer of /pine-facade/translate.

    Raises:
        SourceRefused: the account has no access to the script, or it is gone.
        BadPayload: not the documented shape.
    """
    if not isinstance(answer, dict):
        raise BadPayload("TradingView: the script's description is no object")
    if answer.get("success") is False:
        reason = answer.get("reason") or answer.get("reason2") or "no reason given"
        raise SourceRefused(
            f"TradingView does not hand out the script {script} ({str(reason)[:80]}); open it once "
            f"on a chart with this account, or ask its author for access"
        )
    result = answer.get("result")
    meta = result.get("metaInfo") if isinstance(result, dict) else None
    given = meta.get("inputs") if isinstance(meta, dict) else None
    if not isinstance(result, dict) or not isinstance(meta, dict) or not isinstance(given, list):
        raise BadPayload("TradingView: the script's description has no metaInfo with inputs")
    text = result.get("ilTemplate") or next(
        (item.get("defval") for item in given if isinstance(item, dict)), None
    )
    if not isinstance(text, str) or not text:
        raise BadPayload("TradingView: the script's description has no ilTemplate")
    pine = meta.get("pine")
    inputs: dict[str, Any] = {
        "text": text,
        "pineId": str(meta.get("scriptIdPart") or script),
        "pineVersion": str((pine.get("version") if isinstance(pine, dict) else None) or version),
    }
    for place, item in enumerate(given):
        name = item.get("id") if isinstance(item, dict) else None
        if not isinstance(name, str):
            raise BadPayload("TradingView: an input of the script has no id")
        if name in _OWN:
            continue
        # A colour goes as its number among the inputs, as the site itself sends it.
        value = place if item.get("type") == "color" else item.get("defval")
        inputs[name] = {"v": value, "f": bool(item.get("isFake")), "t": item.get("type")}
    found = _ENDPOINT.search(str(meta.get("fullId") or meta.get("id") or ""))
    endpoint = found[1] if found else _USUAL
    return StudyCode(script, version, f"Script@tv-scripting-{endpoint}!", inputs)
