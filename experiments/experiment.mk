# Included by the Makefile of each experiment, whose folder has a config.yaml that says what to do.
#
#   make run                       train it, or play the simulation or the game; what is finished is not done again
#   make run CONFIG=original.yaml  the same with another configuration in the folder; SEEDS, PARALLEL: see
#                                  idsrl experiments run --help
#   make eval                      test the runs with other seeds; EVAL are more flags of idsrl eval
#   make tune                      search for settings in space.yaml, with other seeds than those of run, and keep the trials
#                                  in search.csv; SEARCH are the flags of idsrl tune
#   make plots                     draw the learning curve
#   make gif                       animate games
#   make tensorboard               write the runs for TensorBoard
#   make results                   publish what the runs came to
#   make clean                     remove the runs
#   make help                      show this

EXPERIMENTS := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
ROOT        := $(patsubst %/,%,$(dir $(EXPERIMENTS)))
NAME        := $(patsubst $(EXPERIMENTS)/%,%,$(CURDIR))
KIND        := $(firstword $(subst /, ,$(NAME)))
include $(EXPERIMENTS)/program.mk
SEARCH      ?= --trials 27 --rungs 3 --seeds 3 --seed 1000
OUT         := $(RUNS)/$(NAME)$(addprefix /,$(filter-out config,$(basename $(CONFIG))))
TRIALS      := $(ROOT)/bin/search/$(NAME)

.DEFAULT_GOAL := run

.PHONY: run eval tune plots gif tensorboard results clean help
run: | $(IDSRL)
	@$(IDSRL) experiments run $(FLAGS) $(NAME)
	$(PLAY)

tune: | $(IDSRL)
ifeq ($(wildcard space.yaml),)
	@echo "$(NAME): has no space.yaml, so there is nothing to search"
else
	@$(IDSRL) tune --config $(CONFIG) --space space.yaml $(SEARCH) $(if $(PARALLEL),--parallel $(PARALLEL)) --out $(TRIALS)
	@cp $(TRIALS)/trials.csv search.csv
endif

ifeq ($(KIND),simulations)

eval: run

gif: run
	@mkdir -p $(OUT)
	$(IDSRL) record --config $(CONFIG) --episodes 3 --gif $(OUT)/games.gif

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

help:
	@sed -n 's/^#   //p' $(EXPERIMENTS)/experiment.mk
