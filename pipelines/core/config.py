"""One frozen pydantic model per job, filled from defaults, a YAML file, the environment and --set.

Every refusal names the place a value came from, the key and the value.
"""

import hashlib
import json
import os
import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError
from pydantic_core import PydanticUndefined

from pipelines.core.config_layers import Layers, child_model
from pipelines.core.errors import ConfigError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
"""The checkout: `conf/`, `jobs/` and `schemas/` live here."""


class JobConfig(BaseModel):
    """Base of every job's configuration and of its nested sections: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    _provenance: dict[str, str] = PrivateAttr(default_factory=dict)

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where each key that was set came from, by dotted key; defaults are not listed."""
        return self._provenance


Model = TypeVar("Model", bound=JobConfig)


def load_config(
    model: type[Model],
    job: str,
    path: Path | str | None = None,
    sets: Iterable[str] = (),
    env: Mapping[str, str] = os.environ,
) -> Model:
    """Build the configuration of a job: defaults < file < environment < --set.

    Args:
        model: the job's configuration model.
        job: its name; gives `conf/<job>.yaml` and the prefix `SANGAM_<JOB>__`.
        path: a file that takes the place of `conf/<job>.yaml`; it must exist.
        sets: `section.key=value` texts, the value read as YAML; later ones win.
        env: environment; `SANGAM_<JOB>__SECTION__KEY` sets `section.key`, also read as YAML.

    Returns:
        The frozen configuration; it knows where each key that was set came from.

    Raises:
        ConfigError: unreadable file, unknown key, or a value the model refuses.
    """
    layers = Layers(model)
    layers.add_file(
        PROJECT_ROOT / "conf" / f"{job}.yaml" if path is None else Path(path),
        is_optional=path is None,
    )
    layers.add_env(f"SANGAM_{job.upper().replace('-', '_')}__", env)
    layers.add_sets(sets)
    try:
        config = model.model_validate(layers.values)
    except ValidationError as error:
        reasons = [layers.explain(item) for item in error.errors(include_url=False)]
        raise ConfigError("\n".join(dict.fromkeys(reasons))) from error
    config._provenance.update(sorted(layers.sources.items()))
    return config


def config_hash(config: BaseModel) -> str:
    """SHA-256 (hex) of the configuration as canonical JSON: sorted keys, no spaces."""
    canonical = json.dumps(config.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def describe(model: type[BaseModel], prefix: str = "") -> str:
    """List every key with default, unit and description, for `--help-config`.

    Unit and origin (given or chosen) come from a field's `json_schema_extra`.
    """
    blocks = []
    for name, info in model.model_fields.items():
        section = child_model(info.annotation)
        if section is not None:
            blocks.append(describe(section, f"{prefix}{name}."))
            continue
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        default = info.get_default(call_default_factory=True)
        shown = "(required)" if default is PydanticUndefined else _show(default)
        facts = [fact for fact in (extra.get("unit"), extra.get("origin")) if fact]
        note = f"  [{', '.join(map(str, facts))}]" if facts else ""
        text = textwrap.indent(textwrap.fill(info.description or "", 92), "    ")
        blocks.append(f"{prefix}{name} = {shown}{note}\n{text}")
    return "\n".join(blocks)


def _show(value: Any) -> str:
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    return json.dumps(plain, default=str, ensure_ascii=False)
