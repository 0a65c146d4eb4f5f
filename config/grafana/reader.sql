-- A role for Grafana, Metabase or a notebook: it sees the documented views and nothing else, no tokens, no addresses.
-- Once, and again after every upgrade of treatywatch:
--   psql -v password="$(cat secrets/reader_password)" -f config/grafana/reader.sql
SELECT 'CREATE ROLE treatywatch_reader LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'treatywatch_reader')
\gexec
ALTER ROLE treatywatch_reader PASSWORD :'password';
ALTER ROLE treatywatch_reader SET default_transaction_read_only = on;
ALTER ROLE treatywatch_reader SET timezone = 'UTC';
ALTER ROLE treatywatch_reader SET statement_timeout = '30s';
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM treatywatch_reader;
GRANT SELECT ON v_articles, v_daily_tone, v_evidence, v_code_shares, v_omissions, v_feed_health, v_runs, v_funnel
    TO treatywatch_reader;
