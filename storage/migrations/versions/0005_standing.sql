-- What stands of the scores, made anew from the scores themselves. PostgreSQL has to look at tables that were filled just
-- now before it knows a good way through them.
DELETE FROM word_sums;
DELETE FROM tone_sums;
DELETE FROM standing;
{look_at} articles, revisions, scores, codings, coding_codes;

INSERT INTO series (outlet, country, kind, language)
SELECT DISTINCT articles.outlet, articles.country, articles.kind, revisions.language
FROM articles
JOIN revisions ON revisions.article_id = articles.id AND revisions.number = articles.revision
WHERE EXISTS (SELECT 1 FROM scores WHERE scores.revision_id = revisions.id)
AND NOT EXISTS (
    SELECT 1 FROM series
    WHERE series.outlet = articles.outlet AND series.country = articles.country
        AND series.kind = articles.kind AND series.language = revisions.language
)
ORDER BY 1, 2, 3, 4;

INSERT INTO standing (
    run_id, article_id, score_id, series_id, outlet, country, kind, language, at,
    tone, outlook, scrutiny, credulity, first_scored_at
)
SELECT
    scores.run_id, articles.id, scores.id, series.id, articles.outlet, articles.country, articles.kind,
    revisions.language, coalesce(articles.published_at, articles.first_seen_at),
    scores.tone, scores.outlook, scores.scrutiny, scores.credulity,
    (
        SELECT min(every.scored_at)
        FROM scores AS every
        JOIN revisions AS wording ON wording.id = every.revision_id
        WHERE wording.article_id = articles.id
    )
FROM scores
JOIN revisions ON revisions.id = scores.revision_id
JOIN articles ON articles.id = revisions.article_id AND articles.revision = revisions.number
JOIN series ON series.outlet = articles.outlet AND series.country = articles.country
    AND series.kind = articles.kind AND series.language = revisions.language;

{look_at} standing;

INSERT INTO tone_sums (
    run_id, grain, start, series_id, n, tone, squares, outlook, scrutiny, credulity, credulous
)
SELECT
    run_id, 'day', {day}, series_id, count(*), sum(tone), sum(tone * tone), sum(outlook), sum(scrutiny),
    coalesce(sum(credulity), 0), count(credulity)
FROM standing
GROUP BY run_id, {day}, series_id;

INSERT INTO tone_sums (
    run_id, grain, start, series_id, n, tone, squares, outlook, scrutiny, credulity, credulous
)
SELECT
    run_id, 'month', substr(start, 1, 8) || '01', series_id, sum(n), sum(tone), sum(squares), sum(outlook),
    sum(scrutiny), sum(credulity), sum(credulous)
FROM tone_sums
WHERE grain = 'day'
GROUP BY run_id, substr(start, 1, 8) || '01', series_id;

INSERT INTO word_sums (run_id, what, grain, start, series_id, word, n)
SELECT run_id, 'code', 'day', {day}, series_id, code, count(DISTINCT standing.score_id)
FROM standing
JOIN coding_codes ON coding_codes.score_id = standing.score_id
GROUP BY run_id, {day}, series_id, code;

INSERT INTO word_sums (run_id, what, grain, start, series_id, word, n)
SELECT standing.run_id, 'omitted', 'day', {day}, series_id, fact.value, count(*)
FROM standing
JOIN scores ON scores.id = standing.score_id
CROSS JOIN {facts}
GROUP BY standing.run_id, {day}, series_id, fact.value;

INSERT INTO word_sums (run_id, what, grain, start, series_id, word, n)
SELECT run_id, 'voice', 'day', {day}, series_id, family || '/' || voice, count(*)
FROM standing
JOIN codings ON codings.score_id = standing.score_id
GROUP BY run_id, {day}, series_id, family, voice;

INSERT INTO word_sums (run_id, what, grain, start, series_id, word, n)
SELECT run_id, what, 'month', substr(start, 1, 8) || '01', series_id, word, sum(n)
FROM word_sums
WHERE grain = 'day'
GROUP BY run_id, what, substr(start, 1, 8) || '01', series_id, word;
