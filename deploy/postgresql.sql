-- Roles and databases of the team server, one role per part, so that none can touch the others' tables.
-- Run once as the database's administrator: psql -f postgresql.sql, after changing the passwords.
CREATE ROLE afssb LOGIN PASSWORD 'change-me-6';
CREATE ROLE prefect LOGIN PASSWORD 'change-me-1';
CREATE ROLE mlflow LOGIN PASSWORD 'change-me-3';
CREATE DATABASE afssb OWNER afssb;
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE mlflow OWNER mlflow;
CREATE DATABASE mlflow_auth OWNER mlflow;
REVOKE CONNECT ON DATABASE afssb, prefect, mlflow, mlflow_auth FROM PUBLIC;
