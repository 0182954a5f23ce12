-- Which step of its last test a connection failed at: the provider's API failing holds no Git work back.
ALTER TABLE connection ADD COLUMN failed_step TEXT;
