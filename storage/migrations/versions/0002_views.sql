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
    scores.credulity,
    scores.omitted,
    scores.unusual,
    scores.scored_at
FROM articles
JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
LEFT JOIN screenings ON screenings.revision_id = revisions.id
LEFT JOIN scores ON scores.revision_id = revisions.id AND scores.run_id = screenings.run_id
LEFT JOIN runs ON runs.id = screenings.run_id
LEFT JOIN lineage_members ON lineage_members.article_id = articles.id;

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
    avg(scrutiny) AS scrutiny,
    avg(credulity) AS credulity
FROM v_articles
WHERE tone IS NOT NULL
GROUP BY {day}, run, outlet, country, kind, language;
