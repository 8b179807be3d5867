"""How the columns of a person table take part: a YAML mapping of columns, comparators and keys."""

import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from pipelines.core.config import JobConfig
from pipelines.core.errors import ConfigError
from pipelines.core.yaml_text import read_yaml

TEXT = ("given_name", "surname", "relation_name", "town", "street", "locality", "free_text",
        "address_1", "address_2")  # fmt: skip
EXACT = ("phone", "house", "code")
COMPARATORS = (*TEXT, *EXACT, "date_of_birth", "gender", "full_name")
BUNDLED = Path(__file__).parents[2] / "conf" / "profiles"

_SOUND = re.compile(r"sound\((\w+)\)")


class FieldSpec(JobConfig):
    """One compared field."""

    column: str = Field(description="column of the input table")
    comparator: str = Field(description="one of the comparators of the job")
    group: str | None = Field(None, description="fields of a group agree and fail together")
    household: bool = Field(False, description="members of one household share it")
    format: str | None = Field(None, description="date pattern, or regular expression of a code")
    optional: bool = Field(False, description="the column may be absent")

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.comparator not in COMPARATORS:
            near = difflib.get_close_matches(self.comparator, COMPARATORS, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"unknown comparator {self.comparator!r}{hint}")
        return self


class KeySpec(JobConfig):
    """One family of blocking keys: a MinHash signature, or exact equality of several parts."""

    signature: str | None = None
    fields: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if bool(self.signature) == bool(self.exact):
            raise ValueError("a key has either `signature` with `fields`, or `exact`")
        if self.signature and not self.fields:
            raise ValueError(f"signature {self.signature!r} names no fields")
        return self

    @property
    def name(self) -> str:
        """Name in tables and reports."""
        return self.signature or "+".join(self.exact)

    @property
    def parts(self) -> tuple[tuple[str, bool], ...]:
        """Fields of an exact key, each with whether its sound is taken instead of its value."""
        sounds = [_SOUND.fullmatch(part) for part in self.exact]
        return tuple(
            (match[1], True) if match else (part, False)
            for part, match in zip(self.exact, sounds, strict=True)
        )

    @property
    def uses(self) -> tuple[str, ...]:
        """Fields the key is made of."""
        return self.fields or tuple(field for field, _ in self.parts)


class Mapping(JobConfig):
    """A person table as the job sees it."""

    id: str = Field(description="column with the unique record id; tokenised on read")
    time: str | None = Field(None, description="column with the moment of enrolment")
    captures: str | None = Field(None, description="column with biometric captures")
    status: str | None = Field(None, description="column with ACTIVE, INACTIVE or DECEASED")
    source: str | None = Field(None, description="column that names the source file or agency")
    sibling_rule: bool = Field(
        False, description="hold back pairs that look like twins or siblings"
    )
    fields: Annotated[dict[str, FieldSpec], Field(min_length=1)]
    keys: Annotated[tuple[KeySpec, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _keys_use_fields(self) -> Self:
        known = self._names()
        for key in self.keys:
            for field in key.uses:
                if field not in known:
                    raise ValueError(f"key {key.name!r} uses {field!r}, which is no field")
        return self

    def _names(self) -> list[str]:
        names = [n for n, spec in self.fields.items() if spec.comparator != "full_name"]
        return names + (["given_name", "surname"] if len(names) < len(self.fields) else [])

    def without(self, names: set[str]) -> "Mapping":
        """The mapping less some fields and the keys that need them."""
        fields = {name: spec for name, spec in self.fields.items() if name not in names}
        keys = tuple(key for key in self.keys if not names & set(key.uses))
        return self.model_copy(update={"fields": fields, "keys": keys})

    def split_full_name(self) -> "Mapping":
        """The mapping after normalisation: a full name has become given name and surname."""
        if all(spec.comparator != "full_name" for spec in self.fields.values()):
            return self
        fields: dict[str, FieldSpec] = {}
        for name, spec in self.fields.items():
            if spec.comparator == "full_name":
                for part in ("given_name", "surname"):
                    fields[part] = FieldSpec(column=spec.column, comparator=part)
            else:
                fields[name] = spec
        return self.model_copy(update={"fields": fields})


def parse_mapping(raw: Any, origin: str) -> Mapping:
    """Check a parsed YAML mapping.

    Raises:
        ConfigError: names the file and the key that is wrong.
    """
    try:
        return Mapping.model_validate(raw)
    except ValidationError as error:
        told = [_explain(one["type"], one["loc"], one["msg"]) for one in error.errors()]
        raise ConfigError(f"{origin}: {'; '.join(sorted(told, key=_unknown_first))}") from None


def _explain(kind: str, place: tuple[int | str, ...], message: str) -> str:
    key = ".".join(map(str, place)) or "the top level"
    words = {"extra_forbidden": "unknown key", "missing": "is missing"}
    return f"{key}: {words.get(kind, message)}"


def _unknown_first(told: str) -> bool:
    """A misspelt key is unknown under its name, and missing under the right one."""
    return not told.endswith("unknown key")


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ConfigError: there is none, or it is no YAML, or names the key that is wrong.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ConfigError(f"--mapping {path}: {reason}") from None
    return parse_mapping(read_yaml(text, str(path)), str(path))


def bundled_mapping(name: str) -> Mapping:
    """One of the mappings in `conf/profiles`."""
    return load_mapping(BUNDLED / f"{name}.yaml")
