"""Our side of the scoring benchmark: one scorecard, one Parquet folder, no sink.

python credit_scoring.py DATA ROUNDS OUT
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd

from pipelines.core.spark import build_session
from pipelines.credit.catalog import FeatureSpec
from pipelines.credit.config import CreditConfig
from pipelines.credit.expressions import score_frame
from pipelines.credit.fitting import fit_scorecard
from pipelines.credit.steps import SESSION
from pipelines.credit.training import to_sample


def main(data: Path, rounds: int, out: Path) -> None:
    """Fit once, then read and score all rows `rounds` times, each after an uncounted round."""
    sample = pd.read_parquet(data / "sample.parquet")
    names = [name for name in sample.columns if name != "is_bad"]
    specs = [FeatureSpec(n, "number" if n[0] == "n" else "category", (f"t.{n}",), n) for n in names]
    card, _ = fit_scorecard(to_sample(sample, specs), specs, CreditConfig())
    session = build_session("bench", SESSION)
    rows = session.read.parquet(str(data / "rows.parquet"))
    seconds: dict[str, list[float]] = {}
    frames = {
        "read alone": rows,  # columns read and made rows, nothing scored
        "score": score_frame(rows, card, with_reasons=False).drop(*names),
        "score and reasons": score_frame(rows, card).drop(*names),
    }
    for name, frame in frames.items():
        for counted in range(rounds + 1):
            start = time.monotonic()
            frame.write.format("noop").mode("overwrite").save()
            if counted:
                seconds.setdefault(name, []).append(time.monotonic() - start)
    out.write_text(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
