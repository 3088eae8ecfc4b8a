-- Which troubles were explained, so that each is by one replica, and once: by tenant and the two minutes in which it was told of.
CREATE TABLE explanations (
    tenant text COLLATE "C" NOT NULL,
    window_start timestamptz NOT NULL,
    PRIMARY KEY (tenant, window_start)
);
