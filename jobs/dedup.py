"""Find people enrolled twice.

spark-submit jobs/dedup.py                                  FEBRL 3, bundled and labelled
spark-submit jobs/dedup.py --input febrl4 --set use_soc_sec_id=true
spark-submit jobs/dedup.py --input synthetic:100000         Indian identities with biometrics
spark-submit jobs/dedup.py --input people.csv --mapping people.yaml --truth person_id
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.dedup.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
