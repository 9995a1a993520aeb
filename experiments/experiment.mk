# Included by the Makefile of each experiment, whose folder has a config.yaml that says what to do.
#
#   make run                       train it, or play the simulation or the game; what is finished is not done again
#   make run CONFIG=original.yaml  the same with another configuration in the folder; SEEDS, PARALLEL: see
#                                  idsrl experiments run --help
#   make eval                      test the runs with other seeds; EVAL are more flags of idsrl eval
#   make plots                     draw the learning curve
#   make gif                       animate games
#   make tensorboard               write the runs for TensorBoard
#   make results                   publish what the runs came to
#   make clean                     remove the runs

EXPERIMENTS := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
ROOT        := $(patsubst %/,%,$(dir $(EXPERIMENTS)))
NAME        := $(patsubst $(EXPERIMENTS)/%,%,$(CURDIR))
KIND        := $(firstword $(subst /, ,$(NAME)))
IDSRL       ?= $(ROOT)/bin/idsrl
RUNS        ?= $(ROOT)/bin/runs
CONFIG      ?= config.yaml
OUT         := $(RUNS)/$(NAME)$(addprefix /,$(filter-out config,$(basename $(CONFIG))))
TREE        := --tree $(EXPERIMENTS) --runs $(RUNS) --config $(CONFIG)
FLAGS       := $(TREE) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PARALLEL),--parallel $(PARALLEL))

# What config.yaml says of a key.
setting = $(shell sed -n 's/^$(1): *\([^ ]*\).*/\1/p' $(CONFIG))

.DEFAULT_GOAL := run

.PHONY: run eval plots gif tensorboard results clean
run: | $(IDSRL)
	@$(IDSRL) experiments run $(FLAGS) $(NAME)
	$(PLAY)

ifeq ($(KIND),simulations)

eval: run

gif: run
	@mkdir -p $(OUT)
	$(IDSRL) record --env $(call setting,env) --attacker $(call setting,attacker) --defender $(call setting,defender) \
		--episodes 3 --gif $(OUT)/games.gif

plots tensorboard:
	@echo "$(NAME): nobody learns, so there is nothing to show"

else ifeq ($(KIND),manual_play)

PLAY := $(IDSRL) play --config $(CONFIG) --save $(OUT)

eval plots gif tensorboard:
	@echo "$(NAME): a person plays, so there is nothing to show; the games are in $(OUT)"

else

eval: run
	@$(IDSRL) eval $(EVAL) $(OUT)/seed-*

plots: run
	$(IDSRL) plot --out $(OUT)/curve.svg $(OUT)/seed-*

gif: run
	$(IDSRL) record --episodes 3 --gif $(OUT)/games.gif $(OUT)/seed-0

tensorboard: run
	$(IDSRL) track --to tensorboard $(OUT)/seed-*
	@echo "Look at them with: tensorboard --logdir $(OUT)"

endif

results: | $(IDSRL)
	@$(IDSRL) experiments publish $(TREE) $(NAME)
	@$(IDSRL) experiments show $(TREE) $(NAME)

clean:
	rm -rf $(OUT)

$(IDSRL):
	@$(MAKE) --no-print-directory -C $(ROOT) build
