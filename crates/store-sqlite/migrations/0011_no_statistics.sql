-- Statistics of a database that was small made statements scan it when it was large.
DROP TABLE IF EXISTS sqlite_stat1;
DROP TABLE IF EXISTS sqlite_stat4;
