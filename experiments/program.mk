# Included by experiments/Makefile and experiment.mk, which say where the ROOT of the repository is: the program, and what it
# is called with.

IDSRL  ?= $(ROOT)/bin/idsrl
RUNS   ?= $(ROOT)/bin/runs
CONFIG ?= config.yaml
TREE   := --tree $(ROOT)/experiments --runs $(RUNS) --config $(CONFIG)
FLAGS  := $(TREE) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PARALLEL),--parallel $(PARALLEL))

# It is built from what the sources are now, unless IDSRL names another. That takes a while only the first time.
ifeq ($(origin IDSRL),file)
.PHONY: $(IDSRL)
endif
$(IDSRL):
	@$(MAKE) --no-print-directory $(if $(wildcard $(IDSRL)),--silent) -C $(ROOT) build
