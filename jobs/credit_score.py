"""Score loan applications from account history.

spark-submit jobs/credit_score.py                        trains and scores a generated population
spark-submit jobs/credit_score.py --input german         German credit, when its package is there
spark-submit jobs/credit_score.py train --input s3a://bank/credit --as-of 2026-03-01
spark-submit jobs/credit_score.py score --input s3a://bank/credit --as-of 2026-03-02
spark-submit jobs/credit_score.py score --input features:bank/portfolio --as-of 2026-03-02
spark-submit jobs/credit_score.py monitor --input s3a://bank/credit --as-of 2026-03-02
spark-submit jobs/credit_score.py backtest --as-of 2026-03-01
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.credit.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
