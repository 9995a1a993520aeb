package track

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"path/filepath"
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
)

// EventFile is the name of the TensorBoard file in a run's folder.
const EventFile = "events.out.tfevents.idsrl"

// The fields of the messages in event.proto, summary.proto and tensor.proto (github.com/tensorflow/tensorboard,
// tensorboard/compat/proto), of plugins/hparams/plugin_data.proto there, and of google/protobuf/struct.proto.
const (
	eventWallTime    protowire.Number = 1
	eventStep        protowire.Number = 2
	eventFileVersion protowire.Number = 3
	eventSummary     protowire.Number = 5

	summaryValue protowire.Number = 1

	valueTag      protowire.Number = 1
	valueSimple   protowire.Number = 2
	valueTensor   protowire.Number = 8
	valueMetadata protowire.Number = 9

	metadataPlugin protowire.Number = 1

	pluginName    protowire.Number = 1
	pluginContent protowire.Number = 2

	tensorType  protowire.Number = 1
	tensorShape protowire.Number = 2
	shapeDim    protowire.Number = 2

	hparamsStart protowire.Number = 3
	hparamsEnd   protowire.Number = 4

	startHParams protowire.Number = 1
	startTime    protowire.Number = 5

	endStatus protowire.Number = 1
	endTime   protowire.Number = 2

	entryKey   protowire.Number = 1
	entryValue protowire.Number = 2

	structNumber protowire.Number = 2
	structString protowire.Number = 3
	structBool   protowire.Number = 4
)

const (
	typeFloat     = 1 // DataType.DT_FLOAT
	statusSuccess = 1 // Status.STATUS_SUCCESS
)

// TensorBoard writes EventFile into the run's folder: the settings for the tab HParams, and a scalar for each metric and
// step of the environment.
func TensorBoard(r *Record) error {
	started := float64(r.Run.StartedAt.UnixMilli()) / 1000
	var file []byte
	event := func(step int64, field protowire.Number, content []byte) {
		e := appendDouble(nil, eventWallTime, started)
		e = appendInt(e, eventStep, step)
		file = appendRecord(file, appendBytes(e, field, content))
	}
	event(0, eventFileVersion, []byte("brain.Event:2"))

	start := appendDouble(nil, startTime, started)
	for _, s := range r.Settings {
		entry := appendBytes(nil, entryKey, []byte(s.Key))
		start = appendBytes(start, startHParams, appendBytes(entry, entryValue, s.proto()))
	}
	event(0, eventSummary, hparams("_hparams_/session_start_info", hparamsStart, start))
	for _, row := range r.scalars() {
		var summary []byte
		for _, m := range row.metrics {
			value := appendBytes(nil, valueTag, []byte(m.name))
			value = protowire.AppendTag(value, valueSimple, protowire.Fixed32Type)
			value = protowire.AppendFixed32(value, math.Float32bits(float32(m.value)))
			summary = appendBytes(summary, summaryValue, value)
		}
		event(row.step, eventSummary, summary)
	}
	if !r.Run.EndedAt.IsZero() && r.Run.CheckpointSHA256 != "" {
		end := appendInt(nil, endStatus, statusSuccess)
		end = appendDouble(end, endTime, float64(r.Run.EndedAt.UnixMilli())/1000)
		event(r.Run.Steps, eventSummary, hparams("_hparams_/session_end_info", hparamsEnd, end))
	}
	return extend(filepath.Join(r.Run.Dir, EventFile), file)
}

// hparams is a summary for the plugin of that name. Its readers look for an empty tensor.
func hparams(tag string, field protowire.Number, data []byte) []byte {
	plugin := appendBytes(nil, pluginName, []byte("hparams"))
	plugin = appendBytes(plugin, pluginContent, appendBytes(nil, field, data))
	tensor := appendInt(nil, tensorType, typeFloat)
	tensor = appendBytes(tensor, tensorShape, appendBytes(nil, shapeDim, nil))
	value := appendBytes(nil, valueTag, []byte(tag))
	value = appendBytes(value, valueTensor, tensor)
	value = appendBytes(value, valueMetadata, appendBytes(nil, metadataPlugin, plugin))
	return appendBytes(nil, summaryValue, value)
}

// proto is the setting as a google.protobuf.Value: a number, a truth value or text.
func (s Setting) proto() []byte {
	v := reflect.ValueOf(s.Value)
	switch {
	case v.Kind() == reflect.Bool:
		return protowire.AppendVarint(protowire.AppendTag(nil, structBool, protowire.VarintType), protowire.EncodeBool(v.Bool()))
	case v.CanInt():
		return appendDouble(nil, structNumber, float64(v.Int()))
	case v.CanFloat():
		return appendDouble(nil, structNumber, v.Float())
	}
	return appendBytes(nil, structString, []byte(s.Text))
}

func appendBytes(b []byte, field protowire.Number, x []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, field, protowire.BytesType), x)
}

func appendInt(b []byte, field protowire.Number, x int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), uint64(x))
}

func appendDouble(b []byte, field protowire.Number, x float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(x))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendRecord frames data as TFRecord (tensorflow.org/tutorials/load_data/tfrecord, "TFRecords format details"): its length,
// the checksum of that, data, its checksum. Numbers are little-endian.
func appendRecord(b, data []byte) []byte {
	length := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = append(b, length...)
	b = binary.LittleEndian.AppendUint32(b, masked(length))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, masked(data))
}

// masked is a CRC-32C that is rotated and shifted, so that the checksum of data that holds checksums stays a good one.
func masked(data []byte) uint32 {
	crc := crc32.Checksum(data, castagnoli)
	return (crc>>15 | crc<<17) + 0xa282ead8
}
