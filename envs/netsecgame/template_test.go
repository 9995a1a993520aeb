package netsecgame_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"idsrl/envs/netsecgame"
)

// The template is a task without faults, and knows every key that section 16 of the specification lists.
func TestTaskTemplate(t *testing.T) {
	text := string(netsecgame.TaskTemplate())
	_, warnings, err := netsecgame.LoadTask("template.yaml", []byte(text))
	if err != nil || len(warnings) > 0 {
		t.Errorf("warnings %v, error %v", warnings, err)
	}
	for key := range strings.FieldsSeq(`Attacker Defender Benign max_steps goal description start_position known_networks
		known_hosts controlled_hosts known_services known_data known_blocks blocked_ips scenario required_players rewards step
		success fail false_positive use_firewall use_global_defender use_dynamic_addresses save_trajectories random_seed actions
		prob_success is_any_part_of_goal_random goal_reward detection_reward step_reward store_replay_buffer
		use_success_probabilities`) {
		if !regexp.MustCompile(`\b` + key + `\b`).MatchString(text) {
			t.Errorf("%s is missing", key)
		}
	}

	// Whatever is behind a # is a good value, too.
	probable := strings.Replace(text, "use_success_probabilities: false", "use_success_probabilities: true", 1)
	probable = regexp.MustCompile(`(?m)^  # (actions:|  \w+: \{)`).ReplaceAllString(probable, "  $1")
	task, warnings, err := netsecgame.LoadTask("template.yaml", []byte(probable))
	if want := [...]float64{0.9, 0.9, 0.8, 0.7, 0.8, 1}; err != nil || len(warnings) > 0 || task.SuccessProbability != want {
		t.Errorf("%v, warnings %v, error %v", task, warnings, err)
	}
}

// What the template calls a default is what holds without the key.
func TestTaskDefault(t *testing.T) {
	text := string(netsecgame.TaskTemplate())
	defaults := regexp.MustCompile(`(?m)^ *(\w+): (.*?)  # .*default: (.*)$`).FindAllStringSubmatch(text, -1)
	if n := strings.Count(text, "default: "); n != len(defaults) || n < 12 {
		t.Fatalf("%d of %d defaults are found", len(defaults), n)
	}
	for _, d := range defaults {
		line, key, value, standard := d[0], d[1], d[2], d[3]
		said := load(t, strings.Replace(text, line, strings.Replace(line, key+": "+value, key+": "+standard, 1), 1))
		without := strings.Replace(text, line+"\n", "", 1)
		without = strings.Replace(without, "Benign:\nenv:", "Benign: {}\nenv:", 1)
		if unsaid := load(t, without); !reflect.DeepEqual(said, unsaid) {
			t.Errorf("%s: %s is not the default", key, standard)
		}
	}
}
