// SPDX-License-Identifier: LGPL-2.1-or-later

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Collections;

/**
 * A server with a selector of NIO, and a client, which know nothing of stacks.
 *
 *     JavaEcho serve PORT              tells each client its address, and sends back what it sends
 *     JavaEcho ask HOST PORT TEXT      prints the answer
 *     JavaEcho interfaces              their names and addresses
 *
 * The server's socket is one of IPv6 that IPv4 reaches too: Java makes no other by default.
 */
public class JavaEcho {
	static void serve(int port) throws Exception {
		Selector selector = Selector.open();
		ServerSocketChannel server = ServerSocketChannel.open();

		server.setOption(StandardSocketOptions.SO_REUSEADDR, true);
		server.bind(new InetSocketAddress(port));
		server.configureBlocking(false);
		server.register(selector, SelectionKey.OP_ACCEPT);
		for (;;) {
			selector.select();
			for (SelectionKey key : selector.selectedKeys()) {
				if (key.isAcceptable()) {
					SocketChannel client = server.accept();
					client.configureBlocking(false);
					client.register(selector, SelectionKey.OP_READ);
					InetSocketAddress peer = (InetSocketAddress)client.getRemoteAddress();
					String line = peer.getAddress().getHostAddress() + "\n";
					client.write(ByteBuffer.wrap(line.getBytes()));
				} else {
					SocketChannel client = (SocketChannel)key.channel();
					ByteBuffer buffer = ByteBuffer.allocate(4096);
					if (client.read(buffer) < 0)
						client.close();
					else
						client.write(buffer.flip());
				}
			}
			selector.selectedKeys().clear();
		}
	}

	static void ask(String host, int port, String text) throws Exception {
		try (Socket socket = new Socket(host, port)) {
			BufferedReader answer = new BufferedReader(new InputStreamReader(socket.getInputStream()));

			socket.getOutputStream().write((text + "\n").getBytes());
			System.out.println(answer.readLine() + " " + answer.readLine());
		}
	}

	static void interfaces() throws Exception {
		for (NetworkInterface i : Collections.list(NetworkInterface.getNetworkInterfaces()))
			System.out.println(i.getName() + " " + i.getInterfaceAddresses());
	}

	public static void main(String[] args) throws Exception {
		if (args[0].equals("serve"))
			serve(Integer.parseInt(args[1]));
		else if (args[0].equals("ask"))
			ask(args[1], Integer.parseInt(args[2]), args[3]);
		else
			interfaces();
	}
}
