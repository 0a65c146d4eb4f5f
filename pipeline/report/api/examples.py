"""An example of each record that the API answers with."""

from __future__ import annotations

from typing import Any

EXAMPLE_URL = "https://www.herald.example/2026/11/treaty"
RUN = "3a42b750f9ec08bd"
INTERVAL = [0.11, 0.29]

ARTICLE: dict[str, Any] = {
    "score_id": 4711,
    "article_id": 1203,
    "revision_id": 1377,
    "url": EXAMPLE_URL,
    "outlet": "Herald",
    "country": "JP",
    "kind": "national",
    "language": "en",
    "title": "Putin keeps door open to peace treaty",
    "at": "2026-11-23T22:10:00Z",
    "published_at": "2026-11-23T22:10:00Z",
    "first_seen_at": "2026-11-23T22:31:05Z",
    "partial": False,
    "tone": 0.42,
    "tone_low": 0.08,
    "tone_high": 0.71,
    "outlook": 0.66,
    "scrutiny": 0.12,
    "credulity": 0.48,
    "omitted": ["clause_2020", "motives"],
    "unusual": [],
    "codes": {"face_value": 0.91},
    "run": RUN,
    "scored_at": "2026-11-23T22:31:40Z",
}
SENTENCE: dict[str, Any] = {
    "position": 3,
    "part": "text",
    "start": 402,
    "end": 461,
    "text": "Russian President Putin said talks on a peace treaty go on.",
    "family": "optimistic",
    "voice": "quoted_bare",
    "codes": {"face_value": 0.91},
    "facts": [],
}
MEANS = {"outlook": 0.41, "scrutiny": 0.3, "credulity": 0.22}

EXAMPLES: dict[str, dict[str, Any]] = {
    "Coverage": ARTICLE,
    "CodedSentence": SENTENCE,
    "Page": {"rows": [ARTICLE], "next": "newest~2026-11-23T22:10:00.000000Z~1203"},
    "TrendPoint": {"period": "2026-11-16", "group": "ja", "n": 31, "tone": 0.2, "interval": INTERVAL, **MEANS},
    "GroupTone": {
        "group": "Herald",
        "country": "JP",
        "articles": 31,
        "tone": 0.2,
        "interval": INTERVAL,
        "mixed_tone": 0.17,
        "mixed_interval": [0.05, 0.29],
        **MEANS,
    },
    "CodeShare": {
        "group": "", "code": "face_value", "articles": 31, "bearing": 12, "share": 0.387, "interval": [0.26, 0.53],
    },
    "Omission": {
        "group": "", "fact": "clause_2020", "articles": 31, "omitting": 28, "share": 0.903, "interval": [0.79, 0.96],
    },
    "VoiceShare": {"group": "", "family": "optimistic", "voice": "quoted_bare", "passages": 44, "share": 0.61},
    "Mover": {
        "outlet": "Herald", "n_before": 14, "n_after": 17, "before": 0.05, "after": 0.31, "difference": 0.26,
        "interval": [0.08, 0.44],
    },
    "RunView": {
        "id": 3, "stamp": RUN, "model": "bundled", "codebook": "jfir-2021", "version": "0.1.0",
        "created_at": "2026-11-01T00:00:00Z", "scored": 1204, "current": True,
    },
    "Me": {"name": "anna", "role": "read"},
    "Problem": {"status": 422, "title": "The request can't be understood; see `faults`"},
}  # fmt: skip
