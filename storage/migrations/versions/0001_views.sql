-- One row for each article and each run that screened its current text; the run is null where none did.
CREATE VIEW v_articles AS
SELECT
    articles.id AS article_id,
    revisions.id AS revision_id,
    scores.id AS score_id,
    runs.id AS run_id,
    runs.stamp AS run,
    articles.url,
    articles.outlet,
    articles.country,
    articles.kind,
    revisions.language,
    revisions.title,
    articles.published_at,
    articles.first_seen_at,
    revisions.number AS revision,
    revisions.partial,
    length(revisions.text) AS characters,
    lineage_members.lineage_id,
    screenings.relevant,
    screenings.value AS relevance,
    screenings.reason,
    scores.tone,
    scores.tone_low,
    scores.tone_high,
    scores.outlook,
    scores.scrutiny,
    scores.omitted,
    scores.scored_at
FROM articles
JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
LEFT JOIN screenings ON screenings.revision_id = revisions.id
LEFT JOIN scores ON scores.revision_id = revisions.id AND scores.run_id = screenings.run_id
LEFT JOIN runs ON runs.id = screenings.run_id
LEFT JOIN lineage_members ON lineage_members.article_id = articles.id;

-- One row for each code of each coded sentence; offsets count characters of `part` from 0.
CREATE VIEW v_evidence AS
SELECT
    scores.id AS score_id,
    articles.id AS article_id,
    articles.url,
    articles.outlet,
    runs.stamp AS run,
    codings.position,
    codings.part,
    codings.start_offset,
    codings.end_offset,
    substr(
        CASE codings.part WHEN 'title' THEN revisions.title ELSE revisions.text END,
        codings.start_offset + 1,
        codings.end_offset - codings.start_offset
    ) AS quotation,
    codings.family,
    codings.voice,
    coding_codes.code,
    coding_codes.strength
FROM coding_codes
JOIN codings ON codings.score_id = coding_codes.score_id AND codings.position = coding_codes.position
JOIN scores ON scores.id = codings.score_id
JOIN runs ON runs.id = scores.run_id
JOIN revisions ON revisions.id = scores.revision_id
JOIN articles ON articles.id = revisions.article_id;

-- Mean tone of each outlet, language, day (UTC) and run.
CREATE VIEW v_daily_tone AS
SELECT
    {day} AS day,
    run,
    outlet,
    country,
    kind,
    language,
    count(*) AS articles,
    avg(tone) AS tone,
    avg(outlook) AS outlook,
    avg(scrutiny) AS scrutiny
FROM v_articles
WHERE tone IS NOT NULL
GROUP BY {day}, run, outlet, country, kind, language;

-- One row for each feed, with what it has brought.
CREATE VIEW v_feed_health AS
SELECT
    feeds.id AS feed_id,
    feeds.url,
    feeds.outlet,
    feeds.country,
    feeds.language,
    feeds.active,
    feeds.state,
    feeds.state_since,
    feeds.reason,
    feeds.detail,
    feeds.failures,
    feeds.checked_at,
    feeds.due_at,
    feeds.last_success_at,
    feeds.last_new_at,
    (SELECT count(*) FROM entries WHERE entries.feed_id = feeds.id) AS entries,
    (SELECT count(*) FROM entries WHERE entries.feed_id = feeds.id AND entries.state = 'announced') AS waiting
FROM feeds;
