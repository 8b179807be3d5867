"""What every benchmark needs: measured subprocesses, and results with machine and versions."""
