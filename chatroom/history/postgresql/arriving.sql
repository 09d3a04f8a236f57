-- Schema 2: people are numbered by a sequence that is logged, unlike their table. PostgreSQL's own,
-- of an identity column in an unlogged table, may be unreadable on a standby that takes over ("bad
-- magic number in sequence", seen with 15.18): then nobody could come in any more.

ALTER TABLE people ALTER number DROP IDENTITY;

CREATE SEQUENCE people_numbers;

ALTER TABLE people ALTER number SET DEFAULT nextval('people_numbers');
