"""What the browser is given: vendored files as their manifest says, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "static"
TEMPLATES = sorted((ROOT / "templates").glob("*.html"))
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))
SHEETS = sorted((STATIC / "css").glob("*.css"))
MANIFEST = json.loads((STATIC / "vendor/manifest.json").read_text())["libraries"]
NAMED = [entry["name"] for entry in MANIFEST]
LICENCES = {
    "MIT": "Permission is hereby granted",
    "Apache-2.0": "Apache License\n                           Version 2.0",
}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("entry", MANIFEST, ids=NAMED)
def test_a_vendored_file_is_the_one_of_the_manifest(entry: dict[str, str]) -> None:
    assert digest(STATIC / "vendor" / entry["file"]) == entry["sha256"]
    assert digest(STATIC / "vendor" / entry["licence_file"]) == entry["licence_sha256"]
    assert entry["file"].startswith(f"{entry['name']}-{entry['version']}/")


@pytest.mark.parametrize("entry", MANIFEST, ids=NAMED)
def test_a_vendored_library_brings_its_licence(entry: dict[str, str]) -> None:
    licence = (STATIC / "vendor" / entry["licence_file"]).read_text()

    assert LICENCES[entry["licence"]] in licence


def test_every_vendored_file_is_in_the_manifest() -> None:
    listed = {name for entry in MANIFEST for name in (entry["file"], entry["licence_file"])}

    found = {
        path.relative_to(STATIC / "vendor").as_posix()
        for path in (STATIC / "vendor").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }

    assert found == listed


def test_the_socket_client_contains_a_parser_of_4_2_7_or_newer() -> None:
    entry = next(entry for entry in MANIFEST if entry["name"] == "socket.io-client")
    script = (STATIC / "vendor" / entry["file"]).read_text()

    # 4.2.6 capped the attachments, 4.2.7 refuses a binary packet that announces none.
    assert "maxAttachments" in script
    assert re.search(r"<1\)throw new Error\(\"Illegal attachments\"\)", script)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_loads_nothing_from_another_host(template: Path) -> None:
    markup = template.read_text()

    tags = re.findall(r"<(?:script|link|img|iframe|form|source)\b[^>]*>", markup)

    assert not [
        tag for tag in tags if re.search(r"""(?:src|href|action)=["']?(?:https?:)?//""", tag)
    ]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_a_template_needs_nothing_that_a_strict_policy_forbids(template: Path) -> None:
    markup = template.read_text()

    assert not re.findall(r"<style\b", markup)
    assert not re.findall(r"\sstyle\s*=", markup)
    assert not re.findall(r"\son[a-z]+\s*=\s*[\"']", markup)
    assert not re.findall(r"javascript:", markup)
    for tag in re.findall(r"<script\b[^>]*>", markup):
        assert 'nonce="{{ csp_nonce }}"' in tag


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_writes_text_and_never_markup(script: Path) -> None:
    source = script.read_text()

    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert not re.findall(forbidden, source)
    assert not re.findall(r"setAttribute\(\s*[\"']style", source)
    assert not re.findall(r"[\"'`](?:https?:)?//[a-z0-9]", source.replace("http://www.w3.org/", ""))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_module_imports_only_modules_that_exist(script: Path) -> None:
    names = re.findall(r"from \"(\.[^\"]+)\"", script.read_text())

    assert [name for name in names if not (script.parent / name).is_file()] == []


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_a_sheet_takes_every_colour_from_the_tokens(sheet: Path) -> None:
    source = sheet.read_text()

    if sheet.name != "tokens.css":
        assert not re.findall(r"#[0-9A-Fa-f]{3,8}\b", source)
    assert "url(" not in source
    assert "@import" not in source


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_asset_a_template_names_exists(template: Path) -> None:
    names = re.findall(r"asset\('([^']+)'\)", template.read_text())

    assert [name for name in names if not (STATIC / name).is_file()] == []


def blocks() -> dict[str, dict[str, str]]:
    css = re.sub(r"/\*.*?\*/", "", (STATIC / "css/tokens.css").read_text(), flags=re.DOTALL)
    found: dict[str, dict[str, str]] = {}
    for selector, body in re.findall(r"(:root[^{]*)\{([^}]*)\}", css):
        found[selector.strip()] = dict(re.findall(r"--([\w-]+):\s*(#[0-9A-F]{6})", body))
    return found


BLOCKS = blocks()
DARK = BLOCKS[":root"]
LIGHT = BLOCKS[':root[data-theme="light"]']
PALETTES = {
    "dark": DARK,
    "light": LIGHT,
    "dark cb": DARK | BLOCKS[':root[data-palette="cb"]'],
    "light cb": LIGHT | BLOCKS[':root[data-theme="light"][data-palette="cb"]'],
}


def test_the_system_s_light_theme_is_the_chosen_light_theme() -> None:
    follows = ':root:not([data-theme="dark"])'

    assert BLOCKS[follows] == LIGHT
    assert (
        BLOCKS[follows + '[data-palette="cb"]']
        == (BLOCKS[':root[data-theme="light"][data-palette="cb"]'])
    )
    assert DARK.keys() == LIGHT.keys()


def luminance(colour: str) -> float:
    """Relative luminance of #RRGGBB, WCAG 2.1."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("palette", PALETTES.values(), ids=list(PALETTES))
def test_text_reaches_the_contrast_of_small_print(palette: dict[str, str]) -> None:
    texts = ["text", "text2", "text3", "accent", "up", "down", "flat", "ok", "warn", "err"]
    grounds = ["surface", "bg", "raised", "selected", "tint-up", "tint-down", "tint-flat"]

    worst = {
        (text, ground): contrast(palette[text], palette[ground])
        for text in [*texts, "pos", "neu", "neg"]
        for ground in grounds
    }

    assert {pair: ratio for pair, ratio in worst.items() if ratio < 4.5} == {}
    assert all(
        contrast(palette["text"], palette[ground]) >= 6 for ground in ("flash-up", "flash-down")
    )
    assert contrast(palette["onfill"], palette["accentfill"]) >= 4.5
    assert contrast(palette["control"], palette["surface"]) >= 3
