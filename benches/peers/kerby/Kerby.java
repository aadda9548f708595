import java.io.File;
import java.nio.file.Files;

import org.apache.kerby.kerberos.kerb.client.KrbClient;
import org.apache.kerby.kerberos.kerb.client.KrbConfigKey;
import org.apache.kerby.kerberos.kerb.server.KdcConfigKey;
import org.apache.kerby.kerberos.kerb.server.SimpleKdcServer;

/** Apache Kerby's KDC, as Hadoop's MiniKdc has it: serves until it is killed, or gets one ticket. */
public class Kerby {
    private static final String ENCTYPE = "aes256-cts-hmac-sha1-96";

    /** REALM USER PASSWORD SERVICE ADDRESS PORT serve|first-ticket */
    public static void main(String[] args) throws Exception {
        String realm = args[0], user = args[1], password = args[2], service = args[3];
        SimpleKdcServer kdc = new SimpleKdcServer();
        File work = Files.createTempDirectory("kerby").toFile();
        kdc.setWorkDir(work);
        kdc.setKdcRealm(realm);
        kdc.setKdcHost(args[4]);
        kdc.setKdcTcpPort(Integer.parseInt(args[5]));
        kdc.setKdcUdpPort(Integer.parseInt(args[5]));
        kdc.setAllowUdp(true);
        kdc.getKdcConfig().setString(KdcConfigKey.ENCRYPTION_TYPES, ENCTYPE);
        kdc.init();
        kdc.createPrincipal(user, password);
        kdc.createPrincipals(service);
        kdc.start();
        if (args[6].equals("serve")) {
            System.out.println("ready");
            System.out.flush();
            Thread.sleep(Long.MAX_VALUE);
        }
        KrbClient client = kdc.getKrbClient();
        client.getKrbConfig().setString(KrbConfigKey.PERMITTED_ENCTYPES, ENCTYPE);
        client.requestSgt(client.requestTgt(user + "@" + realm, password), service + "@" + realm);
        System.exit(0);
    }
}
