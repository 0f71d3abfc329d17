-- The catalog's schema, version 1 (PRAGMA user_version), of the shipped database and of the user's own alike.
-- application_id 0x504C534D ("PLSM") marks a file as one of ours. In models a 0 is stored as NULL: a number that is
-- not known or does not apply. Times are in seconds since 1970, months are yyyymm, sizes are bytes.

-- One row per model card: identity, then every hyperparameter of card_fields.def under its key in card files, then what
-- differs between layers as value x count: "64x6,0x2,64x72".
CREATE TABLE models (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  family TEXT NOT NULL,
  org TEXT NOT NULL,
  arch TEXT NOT NULL,
  license TEXT,
  hf_repo TEXT,
  gguf_repo TEXT,
  ollama_tag TEXT,
  -- what repositories hold that were seen, as bits (plimsoll/publisher.h)
  held INTEGER,
  release INTEGER,
  use_cases TEXT NOT NULL,
  modalities TEXT NOT NULL,
  task_bits INTEGER NOT NULL,
  modality_bits INTEGER NOT NULL,
  native_type INTEGER,
  evidence INTEGER NOT NULL,
--@card_fields
  layer_kinds TEXT,
  n_heads_list TEXT,
  n_kv_heads_list TEXT,
  intermediate_size_list TEXT,
  compress_ratios_list TEXT,
  indexer_list TEXT,
  -- what the published checkpoint weighs, to hold the tensor list against
  checkpoint_params INTEGER,
  checkpoint_kind TEXT,
  checkpoint_tolerance REAL,
  checkpoint_source TEXT,
  vision_params INTEGER,
  audio_params INTEGER,
  mtp_params INTEGER
) STRICT;
CREATE INDEX models_family ON models (family);

-- The card as written, for show and export.
CREATE TABLE cards (
  model TEXT NOT NULL PRIMARY KEY REFERENCES models (id) ON DELETE CASCADE,
  json TEXT NOT NULL
) STRICT;

-- Where a model is published in other forms. verified 0: plausible by the publisher's naming, not seen.
CREATE TABLE variants (
  model TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  format TEXT NOT NULL,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  verified INTEGER NOT NULL,
  quants TEXT,
  PRIMARY KEY (model, format, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE benchmarks (
  model TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  score REAL NOT NULL,
  date TEXT NOT NULL,
  source TEXT NOT NULL,
  confidence TEXT,
  note TEXT,
  PRIMARY KEY (model, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX benchmarks_name ON benchmarks (name, score);

-- How a benchmark enters the fit of abilities: kind 'percent' (above chance) or 'elo'.
CREATE TABLE scales (
  name TEXT NOT NULL PRIMARY KEY,
  task TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('percent', 'elo')),
  chance REAL,
  harness TEXT NOT NULL,
  doubt REAL NOT NULL,
  note TEXT
) STRICT;

-- Capability on one scale, fitted over the benchmarks when the catalog is built.
CREATE TABLE abilities (
  model TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  task TEXT NOT NULL,
  score REAL NOT NULL,
  se REAL NOT NULL,
  n_sources INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  PRIMARY KEY (model, task)
) STRICT, WITHOUT ROWID;

-- What the fit of abilities keeps for cards that come later: kind 'coefficient' and 'center' by feature, 'family' and 'org' by
-- name, 'intercept', 'slope', 'task variance' and 'task reasoning' by task, 'variance' of a model, a family and a publisher.
-- See core/ability_prior.c.
CREATE TABLE priors (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Everything a model answers to. key: lower-case letters and digits only. rank: 0 the id, 1 name, repository or alias,
-- 2 other repositories and tags, 3 their last part, 4 the id without its suffix; the lowest rank wins.
CREATE TABLE aliases (
  key TEXT NOT NULL,
  model TEXT NOT NULL REFERENCES models (id) ON DELETE CASCADE,
  rank INTEGER NOT NULL,
  spelled TEXT NOT NULL,
  PRIMARY KEY (key, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_model ON aliases (model);

-- Machines by name. Lists in a cell are separated by ';'.
CREATE TABLE hardware (
  id TEXT NOT NULL PRIMARY KEY,
  vendor TEXT NOT NULL,
  generation TEXT,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  aliases TEXT,
  patterns TEXT,
  pci_ids TEXT,
  memory_gib TEXT,
  usable_mib INTEGER,
  devices INTEGER,
  memory_type TEXT,
  bus_bits INTEGER,
  bandwidth_gbs REAL,
  fp16_tflops REAL,
  fp32_tflops REAL,
  gpu_cores INTEGER,
  cpu_cores_fast TEXT,
  cpu_cores_slow TEXT,
  link TEXT,
  year INTEGER,
  gpu_share TEXT,
  backend TEXT,
  confidence TEXT,
  source TEXT
) STRICT;

-- What was measured on a machine: kind 'bench' from kernels run here, 'calibration' from runs of an engine. type: a tensor type, or
-- '' for the machine as a whole.
CREATE TABLE results (
  machine TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('bench', 'calibration')),
  metric TEXT NOT NULL,
  type TEXT NOT NULL,
  value REAL NOT NULL,
  PRIMARY KEY (machine, kind, metric, type)
) STRICT, WITHOUT ROWID;

-- Words for search, one row per model (the same rowid), normalised before they come here: see key and words in aliases.c.
CREATE VIRTUAL TABLE search USING fts5 (words, tokenize="unicode61");
