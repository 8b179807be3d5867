"""Decide UPI payments: approve, verify, review or block, with reasons.

python jobs/upi_fraud.py                                 200,000 seeded payments with frauds
python jobs/upi_fraud.py --input synthetic:50000 --profile paytm
python jobs/upi_fraud.py --input payments.parquet --truth truth.parquet
python jobs/upi_fraud.py --stack                         on Kafka, until stopped; --once ends sooner
python jobs/upi_fraud.py --stack --job network           beside it: who pays whom; ends in flags
flink run -py jobs/upi_fraud.py --stack                  on a Flink cluster
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.upi_fraud.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
