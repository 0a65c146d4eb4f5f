DROP VIEW v_daily_tone;

-- Mean tone of each outlet, language, day (UTC) and run.
CREATE VIEW v_daily_tone AS
SELECT
    tone_sums.start AS day,
    runs.stamp AS run,
    series.outlet,
    series.country,
    series.kind,
    series.language,
    tone_sums.n AS articles,
    tone_sums.tone / tone_sums.n AS tone,
    tone_sums.outlook / tone_sums.n AS outlook,
    tone_sums.scrutiny / tone_sums.n AS scrutiny,
    tone_sums.credulity / nullif(tone_sums.credulous, 0) AS credulity
FROM tone_sums
JOIN series ON series.id = tone_sums.series_id
JOIN runs ON runs.id = tone_sums.run_id
WHERE tone_sums.grain = 'day';

-- How many articles of each outlet, language, month (UTC) and run bear each code.
CREATE VIEW v_code_shares AS
SELECT
    word_sums.start AS month,
    runs.stamp AS run,
    series.outlet,
    series.country,
    series.kind,
    series.language,
    word_sums.word AS code,
    tone_sums.n AS articles,
    word_sums.n AS bearing,
    1.0 * word_sums.n / tone_sums.n AS share
FROM word_sums
JOIN tone_sums ON tone_sums.run_id = word_sums.run_id AND tone_sums.grain = word_sums.grain
    AND tone_sums.start = word_sums.start AND tone_sums.series_id = word_sums.series_id
JOIN series ON series.id = word_sums.series_id
JOIN runs ON runs.id = word_sums.run_id
WHERE word_sums.grain = 'month' AND word_sums.what = 'code';

-- How many articles of each outlet, language, month (UTC) and run leave each context fact out.
CREATE VIEW v_omissions AS
SELECT
    word_sums.start AS month,
    runs.stamp AS run,
    series.outlet,
    series.country,
    series.kind,
    series.language,
    word_sums.word AS fact,
    tone_sums.n AS articles,
    word_sums.n AS omitting,
    1.0 * word_sums.n / tone_sums.n AS share
FROM word_sums
JOIN tone_sums ON tone_sums.run_id = word_sums.run_id AND tone_sums.grain = word_sums.grain
    AND tone_sums.start = word_sums.start AND tone_sums.series_id = word_sums.series_id
JOIN series ON series.id = word_sums.series_id
JOIN runs ON runs.id = word_sums.run_id
WHERE word_sums.grain = 'month' AND word_sums.what = 'omitted';

-- One row for each run.
CREATE VIEW v_runs AS
SELECT
    runs.stamp AS run,
    runs.created_at,
    runs.model,
    runs.model_hash,
    runs.engine,
    runs.codebook,
    runs.codebook_hash,
    runs.heads_hash,
    runs.version,
    (SELECT coalesce(sum(n), 0) FROM tone_sums WHERE tone_sums.run_id = runs.id AND grain = 'month') AS articles,
    runs.turn IS NOT NULL AND runs.turn = (SELECT max(turn) FROM runs) AS current
FROM runs;

-- What became of what each feed announced, by the day (UTC) on which it did, under the current run.
CREATE VIEW v_funnel AS
SELECT
    {first_seen} AS day,
    feeds.url AS feed,
    feeds.outlet,
    count(*) AS announced,
    sum(CASE WHEN entries.state = 'announced' THEN 1 ELSE 0 END) AS waiting,
    sum(CASE WHEN entries.state = 'dropped' THEN 1 ELSE 0 END) AS dropped,
    count(entries.article_id) AS with_text,
    sum(CASE WHEN screenings.relevant THEN 1 ELSE 0 END) AS relevant,
    count(scores.id) AS scored
FROM entries
JOIN feeds ON feeds.id = entries.feed_id
LEFT JOIN articles ON articles.id = entries.article_id
LEFT JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
LEFT JOIN screenings ON screenings.revision_id = revisions.id
    AND screenings.run_id = (SELECT id FROM runs WHERE turn = (SELECT max(turn) FROM runs))
LEFT JOIN scores ON scores.revision_id = revisions.id AND scores.run_id = screenings.run_id
GROUP BY {first_seen}, feeds.url, feeds.outlet;
