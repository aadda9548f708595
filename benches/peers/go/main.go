// gokrb5, measured as the peers in C are (see ../c/bench.h), but in the processor time of the whole
// process: the garbage collector runs on threads of its own.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/messages"
)

const (
	who     = "gokrb5"
	usage   = 2
	batches = 15
)

var milliseconds float64

func processTime() time.Duration {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func allocations(operation func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	operation()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}

func measure(name string, operation func()) {
	operation()
	allocated := allocations(operation)
	iterations := 1
	timed := func() time.Duration {
		start := processTime()
		for i := 0; i < iterations; i++ {
			operation()
		}
		return processTime() - start
	}
	for float64(timed().Nanoseconds())*batches*2 < milliseconds*1e6 {
		iterations *= 2
	}
	var figures []float64
	for i := 0; i < batches; i++ {
		figures = append(figures, float64(timed().Nanoseconds())/float64(iterations))
	}
	sort.Float64s(figures)
	fmt.Printf("%s\t%s\t%.2f\t%d\n", name, who, figures[batches/2], allocated)
}

// A message that gokrb5 decodes, and perhaps encodes.
type decoder interface{ Unmarshal([]byte) error }
type encoder interface{ Marshal() ([]byte, error) }

var newMessage = map[string]func() decoder{
	"AS-REP":        func() decoder { return new(messages.ASRep) },
	"TGS-REP-1.5K":  func() decoder { return new(messages.TGSRep) },
	"TGS-REP-12K":   func() decoder { return new(messages.TGSRep) },
	"TGS-REQ":       func() decoder { return new(messages.TGSReq) },
	"KRB-ERROR":     func() decoder { return new(messages.KRBError) },
	"EncTicketPart": func() decoder { return new(messages.EncTicketPart) },
	"AP-REQ":        func() decoder { return new(messages.APReq) },
	"EncTGSRepPart": func() decoder { return new(messages.EncKDCRepPart) },
}

func decode(name, what string, input []byte) {
	measure(name, func() { check(newMessage[what]().Unmarshal(input)) })
}

func encode(name, what string, input []byte) {
	message := newMessage[what]()
	check(message.Unmarshal(input))
	value, ok := message.(encoder)
	if !ok {
		return
	}
	again, err := value.Marshal()
	check(err)
	if !bytes.Equal(again, input) {
		log.Printf("%s: encoded otherwise", name)
		return
	}
	measure(name, func() {
		_, err := value.Marshal()
		check(err)
	})
}

func seal(name, what, operation string, input, key []byte) {
	number, err := strconv.Atoi(what)
	check(err)
	etype, err := crypto.GetEtype(int32(number))
	if err != nil {
		return // Camellia
	}
	switch operation {
	case "encrypt":
		measure(name, func() {
			_, _, err := etype.EncryptMessage(key, input, usage)
			check(err)
		})
	case "decrypt":
		measure(name, func() {
			_, err := etype.DecryptMessage(key, input, usage)
			check(err)
		})
	default:
		measure(name, func() {
			_, err := etype.StringToKey(string(input), string(key), etype.GetDefaultStringToKeyParams())
			check(err)
		})
	}
}

func main() {
	log.SetFlags(0)
	directory := os.Args[1]
	var err error
	milliseconds, err = strconv.ParseFloat(os.Args[2], 64)
	check(err)
	read := func(name string) []byte {
		octets, err := os.ReadFile(filepath.Join(directory, name))
		check(err)
		return octets
	}
	list := bufio.NewScanner(bytes.NewReader(read("cases")))
	for list.Scan() {
		fields := strings.Split(list.Text(), "\t")
		name, operation, what := fields[0], fields[1], fields[2]
		input, key := read(fields[3]), read(fields[4])
		switch operation {
		case "decode":
			decode(name, what, input)
		case "encode":
			encode(name, what, input)
		default:
			seal(name, what, operation, input, key)
		}
	}
}
