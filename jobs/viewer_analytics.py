"""Follow a live match: audience, stream quality and capacity, corrected as late events arrive.

python jobs/viewer_analytics.py                          a seeded match in an embedded Flink
python jobs/viewer_analytics.py --viewers 100000         a larger one
python jobs/viewer_analytics.py --input messages/        recorded messages, one file a partition
python jobs/viewer_analytics.py --verify                 count again in Spark, compare row for row
python jobs/viewer_analytics.py --stack --seconds 300    the topics of Kafka, until then
python jobs/viewer_analytics.py --stack --job taste      what viewers like, one row a viewer
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.viewers.cli import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
