"""The layers under a configuration model: reads them, merges them, remembers who set what."""

import difflib
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml


def child_model(annotation: Any) -> type[BaseModel] | None:
    """The nested model of a field (`Section` or `Section | None`), else None."""
    for option in (annotation, *typing.get_args(annotation)):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option if annotation is option or _is_optional(annotation) else None
    return None


def _is_optional(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation) and len(typing.get_args(annotation)) == 2


class Layers:
    """Values set so far, nested as in the model, and the source of each (dotted key)."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}

    def add_file(self, path: Path, is_optional: bool) -> None:
        """Merge a YAML file.

        Raises:
            ConfigError: no such file (unless optional), unreadable, or not a mapping.
        """
        if is_optional and not path.exists():
            return
        try:
            content = read_yaml(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise ConfigError(f"Configuration file {path}: {reason}. Check --config.") from error
        if content is None:
            return
        if not isinstance(content, dict):
            raise ConfigError(f"{path}: expected `key: value` lines, found {_short(content)}.")
        self._merge(content, str(path))

    def add_env(self, prefix: str, env: Mapping[str, str]) -> None:
        """Merge the variables that start with `prefix`; `__` separates the parts of a key."""
        for name in sorted(env):
            if name.upper().startswith(prefix):
                source = f"environment variable {name}"
                parts = name[len(prefix) :].lower().split("__")
                self._merge(_nest(parts, read_yaml(env[name], source)), source)

    def add_sets(self, sets: Iterable[str]) -> None:
        """Merge `section.key=value` texts in their order.

        Raises:
            ConfigError: no `=` or no key in a text.
        """
        for text in sets:
            key, equals, value = text.partition("=")
            if not equals or not key.strip():
                raise ConfigError(f"--set {text}: expected --set section.key=value.")
            self._merge(
                _nest(key.strip().split("."), read_yaml(value, f"--set {text}")), f"--set {text}"
            )

    def explain(self, error: Mapping[str, Any]) -> str:
        """One line for one pydantic error: source, key, value, reason."""
        parts = [str(part) for part in error["loc"]]
        key = ".".join(parts)
        if error["type"] == "extra_forbidden":
            return f"{self._source(key)}: unknown key {key!r}. Remove it."
        reason = str(error["msg"]).removeprefix("Value error, ")
        if not parts:
            return f"{self._source(key)}: {reason}"
        if error["type"] == "missing":
            return f"Key {key!r} has no default and nobody sets it: add it to the configuration."
        value = _short(error["input"])
        return f"{self._source(key)}: key {key!r}: value {value} is refused: {reason}."

    def _source(self, key: str) -> str:
        """Where a key, its nearest parent, or anything below it was set."""
        parts = key.split(".") if key else []
        for length in range(len(parts), 0, -1):
            if (parent := ".".join(parts[:length])) in self.sources:
                return self.sources[parent]
        below = [v for k, v in self.sources.items() if not key or k.startswith(f"{key}.")]
        return "; ".join(dict.fromkeys(below)) or "defaults"

    def _merge(self, layer: Mapping[Any, Any], source: str) -> None:
        self._merge_into(self._model, self.values, layer, source, "")

    def _merge_into(
        self,
        model: type[BaseModel],
        target: dict[str, Any],
        layer: Mapping[Any, Any],
        source: str,
        prefix: str,
    ) -> None:
        for raw, value in layer.items():
            name, key = str(raw), f"{prefix}{raw}"
            if name not in model.model_fields:
                raise ConfigError(f"{source}: unknown key {key!r}. {_nearest(name, model, prefix)}")
            info = model.model_fields[name]
            section = child_model(info.annotation)
            if section is not None and isinstance(value, dict):
                if not isinstance(target.get(name), dict):
                    target[name] = _default_values(info)
                self._merge_into(section, target[name], value, source, f"{key}.")
            elif section is not None and value is not None:
                raise ConfigError(
                    f"{source}: key {key!r} is a section: value {_short(value)} is refused."
                    f" Set one of its keys: {_names(section, f'{key}.')}."
                )
            elif isinstance(value, dict):
                before = target.get(name, info.get_default(call_default_factory=True))
                target[name] = _overlay(before, value)
                self.sources.update({f"{key}.{part}": source for part in value})
            else:
                target[name] = value
                self.sources[key] = source


def _default_values(info: FieldInfo) -> dict[str, Any]:
    """What a section's default sets beyond its own class, so that one new key keeps the rest."""
    default = info.get_default(call_default_factory=True)
    return default.model_dump(exclude_unset=True) if isinstance(default, BaseModel) else {}


def _overlay(base: Any, update: Mapping[Any, Any]) -> dict[Any, Any]:
    """Mapping-valued keys merge entry by entry over what was there before."""
    plain = base.model_dump() if isinstance(base, BaseModel) else base
    merged = dict(plain) if isinstance(plain, Mapping) else {}
    for key, value in update.items():
        merged[key] = _overlay(merged.get(key), value) if isinstance(value, dict) else value
    return merged


def _nest(parts: list[str], value: Any) -> dict[str, Any]:
    for part in reversed(parts):
        value = {part: value}
    return typing.cast(dict[str, Any], value)


def _nearest(name: str, model: type[BaseModel], prefix: str) -> str:
    near = difflib.get_close_matches(name, model.model_fields, n=1)
    if near:
        return f"Did you mean {prefix + near[0]!r}?"
    return f"Keys here: {_names(model, prefix)}."


def _names(model: type[BaseModel], prefix: str) -> str:
    return ", ".join(f"{prefix}{name}" for name in model.model_fields)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
