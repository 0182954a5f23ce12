-- What the slots of a schedule were told by: with another timetable it begins anew. Nothing where it was never said.
ALTER TABLE schedule ADD COLUMN timetable TEXT;
