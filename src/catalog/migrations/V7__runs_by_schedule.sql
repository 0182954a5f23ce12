-- By which the newest runs of a schedule are found. Those that are not over are few: `run_unfinished` serves them.
CREATE INDEX run_by_schedule ON run (schedule, id);
DROP INDEX run_by_suite;
