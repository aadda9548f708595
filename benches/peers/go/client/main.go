// gokrb5 in one process, as krb-benches client is called; it knows no S4U:
//
//	gokrb5-client login CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET
//
// KRB5_CONFIG says where the KDC is. Clients are goroutines.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func processTime() time.Duration {
	var used syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 10 || os.Args[1] != "login" {
		log.Fatal("login CLIENTS SECONDS KDC REALM ACCOUNT KEYTAB USER TARGET")
	}
	clients, err := strconv.Atoi(os.Args[2])
	check(err)
	seconds, err := strconv.ParseFloat(os.Args[3], 64)
	check(err)
	realm, account, target := os.Args[5], os.Args[6], os.Args[9]
	conf, err := config.Load(os.Getenv("KRB5_CONFIG"))
	check(err)
	keys, err := keytab.Load(os.Args[7])
	check(err)

	// As little as it can ask: no FAST, and no question whether there is to be a timestamp.
	settings := []func(*client.Settings){client.DisablePAFXFAST(true), client.AssumePreAuthentication(true)}
	ask := func() {
		one := client.NewWithKeytab(account, realm, keys, conf, settings...)
		check(one.Login())
		_, _, err := one.GetServiceTicket(target)
		check(err)
		one.Destroy()
	}
	goOn := func(seconds float64) int64 {
		var done int64
		var all sync.WaitGroup
		until := time.Now().Add(time.Duration(seconds * 1e9))
		for i := 0; i < clients; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				for time.Now().Before(until) {
					ask()
					atomic.AddInt64(&done, 1)
				}
			}()
		}
		all.Wait()
		return done
	}
	goOn(seconds / 2)
	begun, before := time.Now(), processTime()
	done := goOn(seconds)
	taken, used := time.Since(begun), processTime()-before
	fmt.Printf("%d\t%d\n", taken.Nanoseconds()/done, used.Nanoseconds()/done)
}
