package netsecgame

import _ "embed"

//go:embed tasks/template.yaml
var taskTemplate []byte

// TaskTemplate returns a task file for [LoadTask] that explains every key and its default.
func TaskTemplate() []byte { return taskTemplate }
