"""How the scores of the sample outlets agree with the tones that their author meant.

python tests/bench/demo_tones.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from config.sections import sqlite_url
from config.settings import load
from pipeline.demo.outlets import sample_outlets
from pipeline.demo.play import play
from pipeline.passes import Quiet
from pipeline.train.measure import ordinal_alpha, spearman
from storage.database import open_database
from storage.queries import coverage

PORT = 8735


def main() -> None:
    """Play the demo in a folder of its own and compare."""
    meant = {
        f"http://{outlet.host}:{PORT}/{article.slug}.html": article.tone
        for outlet in sample_outlets()
        for article in outlet.articles
    }
    with tempfile.TemporaryDirectory() as home:
        play(load(), Path(home), PORT, Quiet())
        database = open_database(sqlite_url(Path(home) / "coverage.db"))
        with database.read() as connection:
            rows = {row.url: row for row in coverage(connection, limit=1000).rows}
        database.close()
    on_topic = {url: float(tone) for url, tone in meant.items() if tone != "-"}
    kept = [url for url in on_topic if url in rows]
    tones = [on_topic[url] for url in kept], [rows[url].tone for url in kept]
    held = sum(rows[url].tone_low <= on_topic[url] <= rows[url].tone_high for url in kept)
    others = len(meant) - len(on_topic)
    print(f"on the talks {len(on_topic)}, kept {len(kept)}; other news {others}, kept {len(rows) - len(kept)}")
    print(f"tone: Spearman {spearman(*tones):.3f}, ordinal alpha {ordinal_alpha(*tones):.3f}")
    print(f"intervals at {load().score.coverage:.0%} that hold the tone meant: {held} of {len(kept)}")


if __name__ == "__main__":
    main()
